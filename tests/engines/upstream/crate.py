"""Upstream's crate, built by cargo with the features of the Python binding, and asked over its standard input."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from guardrails.evaluate.bundle import Bundle
from tests.support.environments import CACHE

SOURCE = Path(__file__).with_name("main.rs")
# The features that bindings/python/Cargo.toml of the same source switches on.
MANIFEST = """
[package]
name = "upstream"
version = "0.0.0"
edition = "2021"
publish = false

[[bin]]
name = "upstream"
path = "main.rs"

[dependencies.regorus]
version = "={version}"
default-features = false
features = ["arc", "rvm", "std", "full-opa", "ast", "cache", "coverage", "allocator-memory-limits"]

[dependencies]
serde_json = "1"
"""


@frozen
class Crate:
    """`program` answers questions; `source` is the folder of the crate as the registry of crates has it."""

    version: str
    program: Path
    source: Path

    def answers(self, bundle: Bundle, asked: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What upstream answers to each ``{"rule": path, "input": document}``, with these policies loaded."""
        first = {"modules": list(bundle.modules.items()), "data": bundle.data}
        lines = "".join(json.dumps(line) + "\n" for line in (first, *asked))
        done = subprocess.run([self.program], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


def build(version: str) -> Crate:
    """The crate of this version, built once in the cache folder: about 4 minutes of one core.

    Raises CalledProcessError where cargo is missing a crate or a compiler. Cargo compares each crate with the checksum
    in its index.
    """
    folder = CACHE / f"regorus-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST.replace("{version}", version))
    shutil.copy(SOURCE, folder / "main.rs")
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder, check=True)
    command = ("cargo", "metadata", "--format-version", "1")
    described = json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)
    (manifest,) = [each["manifest_path"] for each in described["packages"] if each["name"] == "regorus"]
    return Crate(version, folder / "target" / "release" / "upstream", Path(manifest).parent)

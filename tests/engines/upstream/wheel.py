"""What the installed wheel of the embedded engine says about itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.metadata import Distribution, distribution
from typing import Any

NAME = "gordon-to-regorus"
COMPILER = re.compile(rb"rustc version (\d+\.\d+\.\d+) \(([0-9a-f]+) ")


def installed() -> Distribution:
    """The distribution that is installed. Raises PackageNotFoundError."""
    return distribution(NAME)


def changed_files(wheel: Distribution) -> list[str]:
    """The files whose content is not what the wheel's RECORD says; compiled ones and the RECORD have no hash."""
    changed = []
    for file in wheel.files or ():
        if file.hash is not None:
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                changed.append(str(file))
    return changed


def parts(wheel: Distribution) -> list[dict[str, Any]]:
    """The crates that the wheel's own SBOM lists (CycloneDX components). Raises StopIteration where it has none."""
    file = next(file for file in wheel.files or () if file.name.endswith(".cyclonedx.json"))
    components: list[dict[str, Any]] = json.loads(file.locate().read_text("utf-8"))["components"]
    return components


def library(wheel: Distribution) -> bytes:
    """The compiled library."""
    file = next(file for file in wheel.files or () if file.name.endswith(".so"))
    return file.locate().read_bytes()


def compiler(wheel: Distribution) -> str:
    """The version and commit of the Rust compiler that the library names, "" where it names none."""
    named = COMPILER.search(library(wheel))
    return b" ".join(named.groups()).decode() if named else ""

"""Lock the dependencies of CI: ``python -m tests.release.lock [--upgrade]`` writes .ci/requirements.txt.

Every distribution that `.[dev]` needs, with its version and the hashes of its files, for each platform and Python from
3.11. Without --upgrade, versions stay as far as pyproject.toml allows. It needs a package index.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import venv
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.environments import CACHE, PROJECT, ROOT

LOCK = ROOT / ".ci" / "requirements.txt"
COMMAND = "python -m tests.release.lock"
# What makes the lock. Another version of it may write another layout, so it has a lock of its own: this line.
RESOLVER = "uv==0.13.9"
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def entries(text: str) -> dict[Requirement, list[str]]:
    """Each requirement of a lock with the SHA-256 hashes of its files. Raises InvalidRequirement."""
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            found[Requirement(line.partition("--hash")[0])] = HASH.findall(line)
    return found


def resolver() -> Path:
    """The program that makes the lock, installed once in the cache folder. Raises CalledProcessError."""
    folder = CACHE / RESOLVER.replace("==", "-")
    if not (folder / "bin" / "uv").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", RESOLVER], check=True)
    return folder / "bin" / "uv"


def write(*, upgrade: bool) -> None:
    """Write the lock. Raises CalledProcessError where a version cannot be found."""
    command = [str(resolver()), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", PROJECT["requires-python"].removeprefix(">="), "--extra", "dev"]
    command += ["--custom-compile-command", COMMAND, "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
    command += ["--upgrade"] if upgrade else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    subprocess.run([*command, "--output-file", str(LOCK), "pyproject.toml"], cwd=ROOT, env=environment, check=True)


def main() -> None:
    """Write the lock and print its size."""
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    write(upgrade=parser.parse_args().upgrade)
    locked = entries(LOCK.read_text("utf-8"))
    print(f"{len(locked)} distributions, {sum(map(len, locked.values()))} hashes: {LOCK.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

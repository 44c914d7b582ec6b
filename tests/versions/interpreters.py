"""The Pythons of this machine, from the oldest that is supported on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What the package promises; a test compares them with the classifiers.
SUPPORTED = ("3.11", "3.12", "3.13", "3.14", "3.15")
_FOLDERS = ("~/.pyenv/versions", "~/.local/share/uv/python", "/opt/python")


def found() -> dict[str, str]:
    """The interpreter of each supported version that is here, by its version."""
    return {version: python for version in SUPPORTED if (python := _of(version)) is not None}


def _of(version: str) -> str | None:
    for python in _candidates(version):
        asked = [python, "-c", "import sys, venv, ssl, sqlite3; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return python
    return None


def _candidates(version: str) -> list[str]:
    """This one first, then what PATH has, then the folders where other tools put Pythons, the newest first."""
    own = [sys.executable] if sys.version_info[:2] == tuple(map(int, version.split("."))) else []
    # A shim of pyenv's is on PATH also for a version that is not chosen; then it fails when it is asked.
    on_path = shutil.which(f"python{version}")
    installed = []
    for folder in _FOLDERS:
        pythons = Path(os.path.expanduser(folder)).glob(f"*{version}*/bin/python{version}")
        installed += sorted(map(str, pythons), reverse=True)
    return [*own, *([on_path] if on_path else []), *installed]


def full_version(python: str) -> str:
    """``3.14.0``."""
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

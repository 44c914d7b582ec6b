"""What kind of program the user wants to run, and by which Python."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from attrs import frozen

from guardrails.errors import ConfigError


@frozen
class Program:
    """A file to run: `here` in this Python, or by executing it as it is."""

    path: Path
    here: bool


def find(name: str) -> Program:
    """A script by its path, or a program by its name. Raises ConfigError where the guard could not see it.

    A program that is installed beside guardrails goes before one of that name on PATH, whose Python may not have it.
    """
    path = Path(name)
    if not path.is_file():
        path_of = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        found = shutil.which(name, path=path_of) if os.sep not in name else None
        if found is None:
            raise ConfigError(
                f"{name}: no such script or program; give a Python file, a program on PATH, or -m and a module's name"
            )
        path = Path(found)
    with path.open("rb") as file:
        first = file.read(4096)
    if not first.startswith(b"#!"):
        if path.suffix in (".py", ".pyw") or (not os.access(path, os.X_OK) and b"\0" not in first):
            return Program(path, here=True)
        raise ConfigError(f"{path} is not a script: guardrails sees what Python programs do, and this is none")
    return Program(path, here=_same_python(_interpreter(first.decode("utf-8", "replace"))))


def _interpreter(text: str) -> str:
    """The Python that a script names in its first line; "" where it names something else."""
    lines = text.splitlines()
    words = shlex.split(lines[0][2:], posix=True) or [""]
    if Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word] or [""]
    elif Path(words[0]).name == "sh" and len(lines) > 1 and lines[1].startswith("'''exec'"):
        # How pip writes a path that is too long for a first line: '''exec' "/the/python" "$0" "$@"
        words = shlex.split(lines[1].removeprefix("'''exec'")) or [""]
    return words[0] if "python" in Path(words[0]).name else ""


def _same_python(interpreter: str) -> bool:
    if not interpreter:
        return False
    found = shutil.which(interpreter)
    # By folder: the interpreters of two virtual environments are links to the same file.
    return found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve()

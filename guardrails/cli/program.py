"""Which program `guardrails run` runs, and with which Python."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from guardrails.activation.isolated import PYTHON, isolating
from guardrails.errors import ConfigError
from guardrails.values import frozen


@frozen
class Program:
    """A file to run: with this Python if `here`, else executed directly."""

    path: Path
    here: bool


def find(name: str) -> Program:
    """A script by path, or a program by name. Raises ConfigError if it is missing or the guard could not see it.

    A program installed beside guardrails takes precedence over PATH, where its Python may not have guardrails.
    """
    path = Path(name)
    if (path / "__main__.py").is_file():
        return Program(path, here=True)
    if not path.is_file():
        path_of = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        located = shutil.which(name, path=path_of) if os.sep not in name else None
        if located is None:
            raise ConfigError(
                f"{name}: no such script or program; give a Python file, a program on PATH, or -m and a module's name"
            )
        path = Path(located)
    if PYTHON.fullmatch(path.name) and os.access(path, os.X_OK):
        return Program(path, here=False)
    with path.open("rb") as file:
        first = file.read(4096)
    if not first.startswith(b"#!"):
        if (
            path.suffix in (".py", ".pyw", ".pyc")
            or zipfile.is_zipfile(path)
            or (not os.access(path, os.X_OK) and b"\0" not in first)
        ):
            return Program(path, here=True)
        raise ConfigError(f"{path} is not a Python program, and guardrails sees only calls made from Python")
    return Program(path, here=_same_python(_interpreter(first.decode("utf-8", "replace"))))


def check_options(program: Program, arguments: Sequence[str]) -> None:
    """Raises ConfigError where a Python interpreter is given options with which the guard would not be installed."""
    if not PYTHON.fullmatch(program.path.name):
        return
    if argument := isolating(arguments):
        raise ConfigError(
            f"{program.path.name} {argument} ignores the environment, and the guard with it; leave -I, -E and -S "
            "out, or use `guardrails activate`"
        )


def _interpreter(text: str) -> str:
    """The Python that a script's first line names; "" if it names something else."""
    lines = text.splitlines()
    words = shlex.split(lines[0][2:], posix=True) or [""]
    if Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word] or [""]
    elif Path(words[0]).name == "sh" and len(lines) > 1 and lines[1].startswith("'''exec'"):
        # How pip writes a path that is too long for the first line: '''exec' "/the/python" "$0" "$@"
        words = shlex.split(lines[1].removeprefix("'''exec'")) or [""]
    return words[0] if "python" in Path(words[0]).name else ""


def _same_python(interpreter: str) -> bool:
    if not interpreter:
        return False
    located = shutil.which(interpreter)
    # Compare folders: the interpreters of two virtual environments are links to the same file.
    return located is not None and Path(located).parent.resolve() == Path(sys.executable).parent.resolve()

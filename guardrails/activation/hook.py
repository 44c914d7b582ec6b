"""Install the guard in this process as soon as botocore is imported, and not before.

Importing botocore in every Python process would cost each of them a quarter of a second, and would keep the AWS CLI
from finding the botocore that it ships. A process that imports botocore and cannot be guarded is ended: an exception
would be printed and forgotten where this runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType

from .imports import ImportWatch

_BOTOCORE = ("botocore", "awscli.botocore")
_PURPOSE = "activation"
# An end without a word would be worse than one without clean-up: nobody may catch this.
EXIT_CODE = 2


def arm(by: str, install: Callable[[], object] | None = None) -> None:
    """Guard this process once it imports botocore. `by` says who asked for it, for the sentence that ends it.

    `install` installs the guard; the default is guardrails.install() with the configuration it finds.
    """
    _Hook(by, install or _install).start()


def disarm() -> None:
    """For guardrails' own command line, which must be able to tell what is wrong with a configuration."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "purpose", "") != _PURPOSE]


def _install() -> None:
    from guardrails import install  # noqa: PLC0415  (it imports botocore)

    install()


class _Hook:
    def __init__(self, by: str, install: Callable[[], object]) -> None:
        self._by = by
        self._install = install
        self._watch = ImportWatch(_concerns, self._imported, _PURPOSE)
        self._due = False

    def start(self) -> None:
        self._watch.start()
        if any(name in sys.modules for name in _BOTOCORE):
            self._due = True
            self._fire("")

    def _imported(self, module: ModuleType) -> None:
        self._due = self._due or module.__name__ in _BOTOCORE
        if self._due:
            self._fire(module.__name__)

    def _fire(self, done: str) -> None:
        # Where guardrails itself imports botocore, it is half there; its own end of import comes by here, too.
        if any(_half(module) for name, module in list(sys.modules.items()) if name != done and _ours(name)):
            return
        self._watch.stop()
        try:
            self._install()
        except BaseException as error:
            end(f"this process must be guarded ({self._by}) and cannot be: {type(error).__name__}: {error}")


def end(reason: str) -> None:
    """End the process with one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.write(2, f"guardrails: {reason}\n".encode(errors="replace"))
    os._exit(EXIT_CODE)


def _concerns(name: str) -> bool:
    return name in _BOTOCORE or _ours(name)


def _ours(name: str) -> bool:
    return name == "guardrails" or name.startswith("guardrails.")


def _half(module: object) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))

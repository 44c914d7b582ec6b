"""Install the guard in this process as soon as botocore is imported, and not before.

Importing botocore in every Python process would cost each of them a quarter of a second, and would keep the AWS CLI
from finding the botocore that it ships. A process that imports botocore and cannot be guarded is ended: where this
runs, Python would print an exception and carry on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType

from .imports import ImportWatch

_BOTOCORE = ("botocore", "awscli.botocore")
_PURPOSE = "activation"
EXIT_CODE = 2
# The parent's sys.prefix, a colon, and its settings; empty for a process that is not to be guarded.
INHERITED = "GUARDRAILS_INHERITED"
# Another distribution on PyPI, guardrails-ai, has the same import name.
_DISTRIBUTION = "botocore-guardrails"


def arm(by: str, install: Callable[[], object] | None = None) -> None:
    """Guard this process once it imports botocore. `by` says who asked for it, should the process have to be ended.

    `install` installs the guard; the default is guardrails.install() with the configuration it finds.
    """
    _Hook(by, install or _install).start()


def disarm() -> None:
    """For guardrails' own command line, which must start even where the configuration is wrong, to report it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "purpose", "") != _PURPOSE]


def public_install() -> Callable[..., object]:
    """`guardrails.install`, which imports botocore. Raises ImportError, with what to do if `guardrails` is not ours."""
    try:
        from guardrails import install  # noqa: PLC0415  (it imports botocore)
    except ImportError as error:
        clearer = _missing()
        if clearer is None:
            raise
        raise clearer from error
    if install.__module__ != "guardrails.process":
        raise _missing() or ImportError(f"guardrails.install is {install.__module__}.install")
    return install


def _missing() -> ImportError | None:
    """The error where `guardrails` is not installed, or belongs to another distribution; None where it is ours."""
    from importlib import metadata, util  # noqa: PLC0415  (this module runs whenever Python starts)

    spec = util.find_spec("guardrails")
    if spec is None or spec.origin is None:
        # A folder of this name, such as the decision log's, imports as an empty package.
        return ModuleNotFoundError("No module named 'guardrails'")
    others = sorted(set(metadata.packages_distributions().get("guardrails", ())) - {_DISTRIBUTION})
    folders = spec.submodule_search_locations or ()
    if not others and any(os.path.exists(os.path.join(folder, "process.py")) for folder in folders):
        return None
    return ImportError(
        f"{spec.origin} belongs to {' and '.join(others) or 'another distribution'}, not to {_DISTRIBUTION}; "
        f"give {_DISTRIBUTION} a virtual environment of its own"
    )


def _install() -> None:
    public_install()()


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
        # While guardrails itself imports botocore it is not ready. When its own import ends, this runs again.
        if any(_loading(module) for name, module in list(sys.modules.items()) if name != done and _ours(name)):
            return
        self._watch.stop()
        try:
            self._install()
        except BaseException as error:
            end(f"this process must be guarded ({self._by}) and cannot be: {type(error).__name__}: {error}")


def end(reason: str) -> None:
    """End the process with one sentence, in a way that no code can catch."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.write(2, f"guardrails: {reason}\n".encode(errors="replace"))
    os._exit(EXIT_CODE)


def _concerns(name: str) -> bool:
    return name in _BOTOCORE or _ours(name)


def _ours(name: str) -> bool:
    return name == "guardrails" or name.startswith("guardrails.")


def _loading(module: object) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))

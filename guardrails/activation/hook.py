"""Install the guard in this process as soon as botocore is imported, and not before.

Importing botocore in every Python process would cost each of them a quarter of a second, and would keep the AWS CLI
from finding the botocore that it ships. A process that imports botocore and cannot be guarded is ended: where this
runs, Python would print an exception and carry on.
"""

from __future__ import annotations

import _thread
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .imports import ImportWatch
from .output import below, flush, leave
from .sending import hold, sends

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
        self._due = self._installing = self._done = False
        # Held while the guard is installed.
        self._lock: Any = _thread.RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def start(self) -> None:
        self._watch.start()
        if any(name in sys.modules for name in _BOTOCORE):
            self._due = True
            self._imported(None)

    def _imported(self, module: ModuleType | None) -> None:
        if self._done:
            self._watch.stop()
            return
        name = module.__name__ if module is not None else ""
        self._due = self._due or name in _BOTOCORE
        if module is not None:
            hold(module, self._waited)
            _let_others_pass(module)
        if not self._due or not self._lock.acquire(blocking=False):
            return
        try:
            if not (self._done or self._installing or _half_loaded(name)):
                self._fire()
        finally:
            self._lock.release()

    def _waited(self) -> bool:
        """Before something is sent: False where that may go out now, True where it had to wait for the guard."""
        # What the guard itself sends while it is installed: policies are fetched by a thread of its own.
        if self._done or _thread_name().startswith("guardrails"):
            return False
        with self._lock:
            if self._installing:
                return False
            if not self._done:
                self._fire()
        return True

    def _fire(self) -> None:
        self._installing = True
        try:
            first = self._attempt()
            # A time limit of the script may have raised it, in a handler or from another thread. Then it works now.
            again = self._attempt() if first is not None else None
            if again is not None:
                end(f"this process must be guarded ({self._by}) and cannot be: {type(again).__name__}: {again}")
            self._done = True
        finally:
            self._installing = False
        if first is not None:
            # This import fails as well. The watch has the module for the next one.
            raise _what_was_raised(first)
        self._watch.stop()

    def _attempt(self) -> Exception | None:
        # What ends a program, such as Ctrl-C, is the script's. Its import of botocore fails, so nothing is sent.
        try:
            self._install()
        except Exception as error:
            return error
        return None

    def _after_fork(self) -> None:
        """In a child that was forked by another thread than the one that installs."""
        if not self._lock._is_owned():
            self._lock, self._installing = _thread.RLock(), False


def end(reason: str) -> None:
    """End the process with one sentence, in a way that no code can catch."""
    try:
        flush()
        below(f"guardrails: {reason}\n")
    finally:
        leave(EXIT_CODE)


def _concerns(name: str) -> bool:
    return _botocores(name) or _ours(name) or sends(name)


def _botocores(name: str) -> bool:
    return name in _BOTOCORE or name.startswith(("botocore.", "awscli.botocore."))


def _ours(name: str) -> bool:
    return name == "guardrails" or name.startswith("guardrails.")


def _half_loaded(done: str) -> bool:
    """Whether a thread is still loading a part of guardrails or, known from its end on, of botocore, but for `done`.

    While guardrails itself imports botocore it is not ready. When that import ends, this is asked again.
    """
    concerned = _concerns if done else _ours
    return any(name != done and concerned(name) for name in _being_loaded())


def _being_loaded() -> Iterator[str]:
    """The modules that some thread imports, also those whose package is not loaded yet."""
    for name, module in list(sys.modules.items()):
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            yield name
    for name, reference in list(getattr(sys.modules["_frozen_importlib"], "_module_locks", {}).items()):
        if getattr(reference(), "owner", None) is not None:
            yield name


def _let_others_pass(module: ModuleType) -> None:
    """A module that is loaded, but not yet for Python: no thread has to wait for it.

    One that waits may hold what the installation needs. Python would end that by handing out a half-loaded module.
    """
    spec: Any = module.__spec__
    parent, _, child = module.__name__.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, sys.modules.get(module.__name__, module))
    if spec is not None:
        spec._initializing = False


def _what_was_raised(error: BaseException) -> BaseException:
    """The script's exception where the guard has taken it for a failure of its own."""
    while _ours(type(error).__module__) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _thread_name() -> str:
    threading = sys.modules.get("threading")
    return threading.current_thread().name if threading is not None else ""

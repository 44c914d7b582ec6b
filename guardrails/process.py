"""The guard that is installed in this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from guardrails.activation import descendants
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.enforce.break_glass.grant import BreakGlass
from guardrails.errors import BreakGlassRefused, ConfigError
from guardrails.guard import Guard
from guardrails.system import forks, interpreters
from guardrails.waiting.garbage import not_collected
from guardrails.waiting.program_log import ProgramLog

if TYPE_CHECKING:
    from guardrails.planning import Planning

_logger = ProgramLog()
_NOT_HERE = (
    "guardrails cannot guard a subinterpreter (InterpreterPoolExecutor): the policy engine cannot be loaded in one; "
    "make AWS calls in the main interpreter, in threads (ThreadPoolExecutor) or in processes (ProcessPoolExecutor)"
)
# Reentrant: in an activated process, importing botocore inside install() installs, too.
_lock = threading.RLock()
_installed: Guard | None = None
# A fork waits for an install() in another thread: its child would have half a guard, and a lock that is never released.
forks.around(_lock.acquire, _lock.release)


def install(config: str | Path | Mapping[str, Any] | Settings | None = None) -> Guard:
    """Guard every botocore client in the process, existing ones too, and return the guard.

    `config` is a path to guardrails.toml, a mapping with its keys, or None: GUARDRAILS_CONFIG, else the first
    guardrails.toml or pyproject.toml with [tool.guardrails] from the working directory upward, else the defaults.
    Idempotent: a second call returns the installed guard, and warns if `config` asks for something else; uninstall()
    first to change it. Python processes that this one starts are guarded with the same configuration; `config` replaces
    one that this process has from its parent.
    Raises ConfigError, PolicyError or GuardBroken, and then nothing is installed.
    """
    global _installed  # noqa: PLW0603  (the only global)
    if not interpreters.is_main():
        raise ConfigError(_NOT_HERE)
    with _lock:
        if _installed is not None and _installed.inherited and config is not None:
            settings = load(config)
            if not _installed.settings.same_as(settings):
                uninstall()
            config = settings
        if _installed is None:
            with not_collected():
                guard = Guard.from_config(config)
                guard.install()
            _installed = guard
            if not descendants.hand_down(os.environ, guard.settings):
                _logger.warning("the configuration is too long for children; they use the one that they find")
            guard.broken_glass.announce()
        elif config is not None and not _installed.settings.same_as(load(config)):
            _logger.warning(
                "install() is ignored: %r is installed already, with another configuration; call "
                "guardrails.uninstall() first to change it",
                _installed,
            )
        _join_plan(_installed)
        return _installed


def uninstall() -> None:
    """Take the installed guard out of botocore; does nothing when there is none."""
    global _installed  # noqa: PLW0603  (the only global)
    with _lock:
        if _installed is not None:
            _installed.uninstall()
            _installed = None
            descendants.take_back(os.environ)


def current() -> Guard | None:
    """The guard that is installed in this process, None where there is none."""
    return _installed


def plan(*, on_denial: Literal["continue", "stop"] = "continue", permissions: bool = False) -> Planning:
    """A context manager: inside, no call that may change something is sent, and its `plan` says what they would do.

    Reads go to AWS. Every other call of this process is decided on against the world as it would be after the calls
    before it, and answered from the service model. A denied call is answered as well, so that the plan shows every
    denial; with ``on_denial="stop"`` it raises CallDenied. With `permissions`, each EC2 call that has a
    DryRun parameter is also sent with it, for AWS's own word. Raises ConfigError where no guard is installed.
    """
    if _installed is None:
        raise ConfigError("no guard is installed in this process, so nothing can be planned; call install() first")
    from guardrails.planning import Planning  # noqa: PLC0415  (only a plan needs it)

    return Planning(_installed, on_denial=on_denial, permissions=permissions)


def _join_plan(guard: Guard) -> None:
    """Where a parent process or `guardrails run` makes a plan or runs one, this process is a part of it."""
    if os.environ.get("GUARDRAILS_PLAN") or os.environ.get("GUARDRAILS_APPROVED"):
        from guardrails.planning.joining import from_environment  # noqa: PLC0415  (only a plan needs it)

        from_environment(guard)


def break_glass(*, reason: str, rules: Iterable[str], minutes: float = 15.0) -> AbstractContextManager[BreakGlass]:
    """Set rules of the installed guard aside for the calls inside a `with`, see `Guard.break_glass`.

    Raises BreakGlassRefused, also where no guard is installed.
    """
    guard = _installed
    if guard is None:
        raise BreakGlassRefused("no guard is installed in this process, so there is nothing to set aside")
    return guard.break_glass(reason=reason, rules=rules, minutes=minutes)

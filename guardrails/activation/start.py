"""What runs when Python starts, where an exception would be printed and then ignored."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from .hook import INHERITED, arm, end, public_install


def from_environment() -> None:
    """For processes that `guardrails run` starts or that a guarded process starts, and for theirs."""
    inherited = os.environ.get(INHERITED)
    if os.environ.get("GUARDRAILS_RUN") == str(os.getpid()):
        from .uncaught import Watch  # noqa: PLC0415  (for the program of `guardrails run` only)

        Watch()
    if inherited is None:
        _arm(f"`guardrails run` started it; is botocore-guardrails installed for {sys.executable}?")
    elif inherited:
        _arm("its parent process is", lambda: _install_inherited(inherited))


def from_activation() -> None:
    """For every Python of an activated environment."""
    inherited, folder = os.environ.get(INHERITED, ""), _working_directory()

    def install() -> None:
        public_install()
        from guardrails.activation import inherited as with_parents  # noqa: PLC0415  (it imports botocore)

        if inherited:
            with_parents.install(inherited.rpartition(":")[2])
        else:
            with_parents.install_found(folder)

    _arm(f"`guardrails activate` was run in {sys.prefix}; `guardrails deactivate` undoes it", install)


def _working_directory() -> str | None:
    """Where this process was started; a script that goes elsewhere keeps the configuration that it has there."""
    try:
        return os.getcwd()
    except OSError:
        # The guard says that when it is needed.
        return None


def _arm(by: str, install: Callable[[], object] | None = None) -> None:
    try:
        arm(by, install)
    except BaseException as error:  # whatever it is, the process must not carry on unguarded
        end(f"this process must be guarded ({by}) and cannot be: {type(error).__name__}: {error}")


def _install_inherited(inherited: str) -> None:
    prefix, _, settings = inherited.rpartition(":")
    try:
        public_install()
        from guardrails.activation.inherited import install  # noqa: PLC0415  (it imports botocore)
    except Exception as error:
        if prefix == sys.prefix or os.environ.get("GUARDRAILS_PLAN") or os.environ.get("GUARDRAILS_APPROVED"):
            raise
        # Another Python, which has worked without the guard so far.
        sys.stderr.write(
            f"guardrails: the calls of this process are not checked, although its parent's are: botocore-guardrails "
            f"cannot be loaded in {sys.executable} ({type(error).__name__}: {error})\n"
        )
        return
    install(settings)

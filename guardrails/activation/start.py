"""What runs when Python starts, where an exception would be printed and then ignored."""

from __future__ import annotations

import os
import sys

from .hook import INHERITED, arm, end, public_install


def from_environment() -> None:
    """For processes that `guardrails run` starts or that a guarded process starts, and for theirs."""
    inherited = os.environ.get(INHERITED)
    if os.environ.get("GUARDRAILS_RUN") == str(os.getpid()):
        from .uncaught import watch  # noqa: PLC0415  (for the program of `guardrails run` only)

        watch()
    if inherited is None:
        _arm(f"`guardrails run` started it; is botocore-guardrails installed for {sys.executable}?")
    elif inherited:
        _arm("its parent process is", inherited)


def from_activation() -> None:
    """For every Python of an activated environment."""
    _arm(f"`guardrails activate` was run in {sys.prefix}; `guardrails deactivate` undoes it")


def _arm(by: str, inherited: str = "") -> None:
    try:
        arm(by, (lambda: _install_inherited(inherited)) if inherited else None)
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

"""Who makes a call, from what the process knows for free: no request to AWS, no refresh of credentials."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from typing import Any

from guardrails.caller.kinds import CallerSettings, kind
from guardrails.system.readable import readable
from guardrails.values import Caller

_USUAL = CallerSettings()


def describe(credentials: Any, settings: CallerSettings = _USUAL) -> Caller:
    """The caller of this process. `credentials` is botocore's object; its key is read only if that needs no request."""
    in_notebook = notebook() is not None
    return Caller(
        principal=_principal(credentials),
        os_user=_user(),
        host=readable(socket.gethostname()),
        program=_program(),
        interactive=bool(getattr(sys, "ps1", None)) or bool(sys.flags.interactive) or in_notebook,
        notebook=in_notebook,
        pid=os.getpid(),
        test_run=_test_run(),
        kind=kind(settings, notebook=in_notebook),
    )


def counted_as(who: Caller) -> str:
    """The name under which this caller's denials are counted: another kind of the same user counts apart."""
    return f"{who.kind} {who.os_user}@{who.host}"


def claimant() -> dict[str, str]:
    """Who claims what a call takes away, for people on other hosts."""
    return {"by": f"{_user()} ({_program()})", "host": readable(socket.gethostname())}


def _principal(credentials: Any) -> str | None:
    """``AKIA… (shared-credentials-file)``. Reading `_access_key` of refreshable credentials does not refresh them."""
    known = vars(credentials) if hasattr(credentials, "__dict__") else {}
    key = known.get("_access_key") or known.get("access_key")
    return f"{key} ({known.get('method') or 'unknown'})" if key else None


def _user() -> str:
    try:
        return readable(getpass.getuser())
    except (ImportError, OSError, KeyError):
        # No variable names the user, and the system does not either.
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _program() -> str:
    main = sys.modules.get("__main__")
    name = getattr(main, "__file__", None) or (sys.argv[0] if sys.argv else "")
    return readable(os.path.basename(str(name))) if name else "python"


def notebook() -> Any:
    """The shell of the Jupyter kernel in this process; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell if any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__) else None


def _test_run() -> bool:
    """True inside unittest or pytest, whose variables also reach the processes that a test starts."""
    if any(name in os.environ for name in ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")):
        return True
    return str(sys.argv[0] if sys.argv else "").replace(os.sep, "/").endswith("unittest/__main__.py")

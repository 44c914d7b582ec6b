"""Whether the guard is on, in this process and in this virtual environment, and owns its import name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from guardrails import process
from guardrails.activation.environment import activated
from guardrails.activation.hook import INHERITED
from guardrails.caller import notebook
from guardrails.doctor import import_name
from guardrails.doctor.finding import Finding

# It answers by what it prints: its exit code is lost where SIGCHLD is ignored.
_ASK = "import botocore.client; from guardrails import process; print('no' if process.current() is None else 'yes')"
_PATIENCE_S = 60.0


def examine() -> Iterator[Finding]:
    """The environment; also the process if a guard is installed in it or it is a notebook kernel."""
    conflict = import_name.conflict()
    if conflict:
        yield Finding("import name", "problem", conflict)
    guard, kernel = process.current(), notebook() is not None
    about = "this kernel" if kernel else "this process"
    if guard is not None:
        behind = guard.displaced()
        facts = {"pid": os.getpid(), "mode": guard.settings.mode, "revision": guard.revision, "displaced": behind}
        sentence = f"the guard is on, mode {guard.settings.mode}, revision {guard.revision}"
        if behind:
            # Calls still reach the guard if the wrapper passes them on.
            yield Finding(about, "note", f"{sentence}; other code wraps {', '.join(behind)}", facts)
        else:
            yield Finding(about, "ok", sentence, facts)
    elif kernel:
        yield Finding(about, "problem", "the guard is not on in this kernel; run %load_ext guardrails")
    pth = activated()
    where = f"environment {sys.prefix}"
    if pth is not None:
        yield _activated(where, str(pth))
    else:
        guarded = "only scripts that call guardrails.install() or run under `guardrails run` are guarded"
        yield Finding(where, "note", f"not activated; {guarded}", {"file": None})


def _activated(where: str, pth: str) -> Finding:
    """Starts a Python of the environment, because a broken hook only writes to standard error."""
    try:
        done = subprocess.run(  # noqa: S603  (the Python that runs this)
            [sys.executable, "-c", _ASK],
            # Not what a guard of this process hands on.
            env={**os.environ, INHERITED: ""},
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(where, "problem", f"activated by {pth}, but its Python does not start: {error}", {"file": pth})
    if done.stdout.split()[-1:] == [b"yes"]:
        return Finding(where, "ok", f"every Python process that imports botocore is guarded ({pth})", {"file": pth})
    stderr = " ".join(done.stderr.decode("utf-8", "replace").split())[-300:]
    sentence = f"activated by {pth}, but its Python is not guarded; run guardrails activate again: {stderr}"
    return Finding(where, "problem", sentence, {"file": pth})

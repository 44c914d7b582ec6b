"""Whether the guard is on, in this process and in this virtual environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from guardrails import process
from guardrails.activation.environment import activated
from guardrails.caller import notebook
from guardrails.doctor.report import Finding

_ASK = "import botocore.client, sys; from guardrails import process; sys.exit(3 if process.current() is None else 0)"
_PATIENCE_S = 60.0


def examine() -> Iterator[Finding]:
    """The environment; the process, too, where a guard is installed in it or it is a kernel."""
    guard, kernel = process.current(), notebook() is not None
    about = "this kernel" if kernel else "this process"
    if guard is not None:
        behind = guard.displaced()
        facts = {"pid": os.getpid(), "mode": guard.settings.mode, "revision": guard.revision, "displaced": behind}
        said = f"the guard is on, mode {guard.settings.mode}, revision {guard.revision}"
        if behind:
            # It still sees the calls of whoever hands them on.
            yield Finding(about, "note", f"{said}; others stand in front of {', '.join(behind)}", facts)
        else:
            yield Finding(about, "well", said, facts)
    elif kernel:
        yield Finding(about, "ill", "the guard is not on in this kernel; %load_ext guardrails")
    pth = activated()
    where = f"environment {sys.prefix}"
    if pth is not None:
        yield _activated(where, str(pth))
    else:
        sentence = "not activated: guarded is what calls guardrails.install() and what `guardrails run` starts"
        yield Finding(where, "note", sentence, {"file": None})


def _activated(where: str, pth: str) -> Finding:
    """Asks a Python of it: a hook that breaks is told on standard error, and the program goes on."""
    try:
        done = subprocess.run(  # noqa: S603  (this very Python)
            [sys.executable, "-c", _ASK], capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(where, "ill", f"activated by {pth}, but no Python of it can be asked: {error}", {"file": pth})
    if done.returncode == 0:
        return Finding(where, "well", f"every Python of it that imports botocore is guarded ({pth})", {"file": pth})
    said = " ".join(done.stderr.decode("utf-8", "replace").split())[-300:]
    sentence = f"activated by {pth}, but a Python of it is not guarded; guardrails activate writes it anew: {said}"
    return Finding(where, "ill", sentence, {"file": pth})

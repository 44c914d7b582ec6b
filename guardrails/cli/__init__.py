"""The `guardrails` command: a file per command. `guardrails --help` lists the exit codes, the same for all commands."""

from __future__ import annotations

import errno
import os
import sys

from guardrails.activation.hook import disarm

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main() -> None:
    """Entry point. A missing extra or a full disk is one sentence and exit code 2."""
    disarm()
    try:
        # Commands are imported when they are used, so both lines can meet a missing extra.
        from guardrails.cli.app import app  # noqa: PLC0415

        app(prog_name="guardrails")
    except ImportError as error:
        sentence = _explanation((error.name or "").partition(".")[0])
        if not sentence:
            raise
        sys.stderr.write(f"guardrails: {sentence}\n")
        sys.exit(2)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        sys.stderr.write(f"guardrails: cannot write: {error.strerror}\n")
        sys.stderr.flush()
        # sys.exit would try to write the rest of the output again, and fail with a traceback.
        os._exit(2)


def _explanation(missing: str) -> str:
    """Why `missing` cannot be imported and what to do; "" if there is nothing to say about it."""
    if missing in ("click", "jinja2", "rich"):
        return f"the command line needs {missing}; pip install 'botocore-guardrails[cli]'"
    if missing != "guardrails":
        return ""
    # Imported late because it reads the metadata of every installed distribution.
    from guardrails.doctor.import_name import conflict  # noqa: PLC0415

    return conflict()

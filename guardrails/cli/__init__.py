"""The `guardrails` command.

A file per command; the exit codes are the same for all:

0  done, or the call would be allowed      1  a claim of the demo did not hold, or the script failed
2  the command line, the configuration or a policy is wrong      3  a call was (or would be) blocked
"""

from __future__ import annotations

import errno
import os
import sys

from guardrails.activation.hook import disarm

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main() -> None:
    """Entry point; says which extra is missing instead of a traceback."""
    disarm()
    try:
        # The commands are imported when they are asked for, so either line may find an extra missing.
        from guardrails.cli.app import app  # noqa: PLC0415

        app(prog_name="guardrails")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        sys.stderr.write(f"guardrails: the command line needs {missing}; pip install 'botocore-guardrails[cli]'\n")
        sys.exit(2)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        sys.stderr.write(f"guardrails: cannot write: {error.strerror}\n")
        sys.stderr.flush()
        # Not by sys.exit: what is left of the output would be tried once more, and fail with a traceback.
        os._exit(2)

"""The process of `guardrails run`: a fresh Python in which nothing is imported before the script does so."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from guardrails.activation.start import from_environment

BLOCKED = 3


def main(kind: str, name: str, arguments: list[str]) -> None:
    """Run a ``script`` or a ``module`` as Python would; a blocked call that it does not catch ends it with code 3."""
    from_environment()
    sys.argv = [name, *arguments]
    try:
        if kind == "module":
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            # As `python SCRIPT` does: the script's folder is where it finds its own modules.
            sys.path[0] = str(Path(name).resolve().parent)
            runpy.run_path(name, run_name="__main__")
    except Exception as error:
        if not _is_denial(error):
            raise
        sys.stderr.write(f"guardrails: {_what_the_log_left_out(str(getattr(error, 'paragraph', error)))}\n")
        sys.exit(BLOCKED)


def _what_the_log_left_out(paragraph: str) -> str:
    """The denial without its first sentence, where the log has put that on standard error already."""
    import logging  # noqa: PLC0415  (only a denial needs it, and a script must not find it imported)

    _, _, rules = paragraph.partition(". Rule ")
    if not rules or logging.getLogger("guardrails").hasHandlers() or logging.lastResort is None:
        return paragraph
    return f"Rule {rules}"


def _is_denial(error: Exception) -> bool:
    # Not imported here: a script that never imports botocore must not get it through guardrails.
    errors = sys.modules.get("guardrails.errors")
    return errors is not None and isinstance(error, errors.CallDenied)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

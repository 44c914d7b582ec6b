"""The process of `guardrails run`: a fresh Python in which nothing is imported before the script does so."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from guardrails.activation.start import from_environment
from guardrails.activation.uncaught import BLOCKED, is_denial, show


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
        if not is_denial(error):
            raise
        show(error)
        sys.exit(BLOCKED)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

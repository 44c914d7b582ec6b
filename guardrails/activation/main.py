"""The process of `guardrails run`: a fresh Python in which nothing is imported before the script does so."""

from __future__ import annotations

import builtins
import io
import os
import pkgutil
import runpy
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from pathlib import Path
from types import ModuleType

from guardrails.activation.start import from_environment
from guardrails.activation.uncaught import BLOCKED, Watch


def main(kind: str, name: str, arguments: list[str]) -> None:
    """Run a ``script`` or a ``module`` as Python would; a blocked call that it does not catch ends it with code 3."""
    watch = Watch()
    from_environment()
    sys.argv = [name, *arguments]
    try:
        if kind == "module":
            _fresh_main()
            # What `python -m` does.
            runpy._run_module_as_main(name)  # type: ignore[attr-defined]
        elif pkgutil.get_importer(name) is not None:
            # A folder or an archive, whose `__main__` Python runs.
            sys.path[0] = name
            _fresh_main()
            runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        else:
            # As `python SCRIPT` does: the script's folder is where it finds its own modules.
            sys.path[0] = str(Path(name).resolve().parent)
            _run_file(name)
    except Exception as error:
        if not watch.shown(error):
            raise
        sys.exit(BLOCKED)


def _run_file(name: str) -> None:
    path = os.path.abspath(name)
    with io.open_code(path) as file:
        code = pkgutil.read_code(file)
    module = _fresh_main()
    module.__file__ = path
    module.__dict__["__cached__"] = None
    if code is None:
        with io.open_code(path) as file:
            code = compile(file.read(), path, "exec")
        module.__loader__ = SourceFileLoader("__main__", path)
    else:
        module.__loader__ = SourcelessFileLoader("__main__", path)
    exec(code, module.__dict__)  # noqa: S102  (it is the program)


def _fresh_main() -> ModuleType:
    """An empty `__main__` in place of this one. It stays, for what runs when the script's last line is done."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

"""Activate a virtual environment: every Python in it that imports botocore is guarded, without editing any script.

The files written there are copies that work without guardrails: if guardrails is removed from the environment,
processes that use botocore must end, and no others.
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

_NAME = "_guardrails_activation"
_FILES = ("__init__.py", "hook.py", "imports.py", "output.py", "sending.py", "start.py")
# Python runs lines of a .pth file that begin with "import".
_LINE = f"import {_NAME}.start; {_NAME}.start.from_activation()\n"


def _site_packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def activated() -> Path | None:
    """The .pth file that activates this environment; None if it is not activated."""
    pth = _site_packages() / f"{_NAME}.pth"
    return pth if pth.exists() else None


def activate() -> Path:
    """Write the hook into this environment's site-packages and return the .pth file. Raises OSError."""
    folder = _site_packages()
    package = folder / _NAME
    package.mkdir(exist_ok=True)
    for name in _FILES:
        shutil.copyfile(Path(__file__).parent / name, package / name)
    # Written last, so that an incomplete activation never runs.
    pth = folder / f"{_NAME}.pth"
    pth.write_text(_LINE, encoding="utf-8")
    return pth


def deactivate() -> Path | None:
    """Remove the hook; returns the .pth file that was removed, None if there was none. Raises OSError."""
    pth = activated()
    if pth is not None:
        pth.unlink()
    shutil.rmtree(_site_packages() / _NAME, ignore_errors=True)
    return pth

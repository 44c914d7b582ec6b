"""Runs in every Python that starts with this folder on its PYTHONPATH: how child processes are guarded.

Any Python may start like that, however old: this file must run in each, and say nothing.
"""

import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))

if sys.version_info >= (3, 9):  # noqa: UP036  (every Python starts with this file)
    __import__("_guardrails_site")
else:
    # Too old for the hook, and for guardrails. A module that nothing refers to would be cleared in the middle of this.
    _this = sys.modules.pop("sitecustomize")
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder or ".") != _HERE]
    try:
        __import__("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = _this

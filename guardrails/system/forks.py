"""What happens around os.fork, where there is one."""

from __future__ import annotations

import os
from collections.abc import Callable


def around(before: Callable[[], object], after: Callable[[], object]) -> None:
    """Call `before` ahead of every fork of this process, and `after` in it and in its child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)

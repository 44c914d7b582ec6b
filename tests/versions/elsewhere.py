"""A child process that has only what Python has on Windows, although it runs on Linux.

Modules and names that Windows lacks are taken away before guardrails is imported, so code that uses one of them fails
as it would there. What this cannot show is how Windows itself behaves: its locks, its paths, its rights.
"""

from __future__ import annotations

import builtins
import os
import select
import signal
import socket
import sys
import time
import types
from importlib import import_module
from pkgutil import walk_packages

MISSING = frozenset(("fcntl", "grp", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty"))
_OS = (
    "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_NDELAY", "O_SYNC", "O_DSYNC", "O_ASYNC",
    "WNOHANG", "chown", "chroot", "confstr", "ctermid", "fchdir", "fchmod", "fchown", "fdatasync", "fork", "forkpty",
    "fpathconf", "fstatvfs", "getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp",
    "getpriority", "getresgid", "getresuid", "getsid", "getuid", "getxattr", "initgroups", "killpg", "lchown",
    "listxattr", "lockf", "makedev", "memfd_create", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pipe2",
    "posix_fadvise", "posix_fallocate", "posix_spawn", "posix_spawnp", "pread", "preadv", "pwrite", "pwritev",
    "register_at_fork", "sched_getaffinity", "sched_setaffinity", "sendfile", "setegid", "seteuid", "setgid",
    "setgroups", "setpgid", "setpriority", "setregid", "setreuid", "setsid", "setuid", "setxattr", "splice",
    "statvfs", "sync", "sysconf", "tcgetpgrp", "tcsetpgrp", "ttyname", "uname", "wait", "wait3", "wait4", "waitid",
)  # fmt: skip
# All that Windows has; `signal` keeps the functions of the same list.
_SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
_SIGNAL_FUNCTIONS = ("alarm", "getitimer", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt",
                     "sigpending", "sigtimedwait", "sigwait", "sigwaitinfo", "ITIMER_PROF", "ITIMER_REAL",
                     "ITIMER_VIRTUAL")  # fmt: skip
# What they import of the standard library at any time must see it whole.
_FIRST = (
    "attrs", "boto3", "botocore.httpsession", "click", "concurrent.futures.process", "dateutil.tz", "getpass",
    "IPython.core.interactiveshell", "jinja2", "jmespath", "logging.handlers", "moto.server", "multiprocessing.spawn",
    "opa_client", "regorus", "rich.console", "rich.table", "s3transfer", "sqlite3", "subprocess", "tempfile",
    "tomlkit", "urllib3", "uuid", "wcwidth", "werkzeug.serving", "yaml",
    "cryptography.hazmat.primitives.asymmetric.ec", "jwt",
)  # fmt: skip


def become(*, locks: bool = True) -> None:
    """From here on this process has no fork, no users and no signals but those of Windows.

    With `locks` there is a module msvcrt, whose locks are those of Linux.
    """
    for name in _FIRST:
        try:
            import_module(name)
        except ImportError:
            continue
    if locks:
        sys.modules["msvcrt"] = _msvcrt()
    for name in _OS:
        _take_away(os, name)
    for name in _SIGNAL_FUNCTIONS:
        _take_away(signal, name)
    for name in [name for name in vars(signal) if name.startswith("SIG") and name not in _SIGNALS]:
        if not isinstance(getattr(signal, name), type):
            _take_away(signal, name)
    for name in ("clock_getres", "clock_gettime", "clock_settime", "tzset", "CLOCK_MONOTONIC", "CLOCK_REALTIME"):
        _take_away(time, name)
    _take_away(socket, "AF_UNIX")
    _take_away(select, "poll")
    _take_away(select, "epoll")
    for name in MISSING:
        sys.modules.pop(name, None)
    original = builtins.__import__

    def importing(name, *given, **more):
        level = given[3] if len(given) > 3 else more.get("level", 0)
        _refuse(name, level)
        return original(name, *given, **more)

    builtins.__import__ = importing
    sys.meta_path.insert(0, _Finder())


def _refuse(name: str, level: int = 0) -> None:
    if level == 0 and name in MISSING:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Finder:
    def find_spec(self, name, path=None, target=None):
        _refuse(name)


def _take_away(module: types.ModuleType, name: str) -> None:
    if hasattr(module, name):
        delattr(module, name)


def _msvcrt() -> types.ModuleType:
    import fcntl

    made = types.ModuleType("msvcrt")
    made.LK_NBLCK, made.LK_UNLCK = 2, 0

    def locking(file, mode, size):
        fcntl.lockf(file, fcntl.LOCK_UN if mode == made.LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB, size, 0, 1)

    made.locking = locking
    return made


def modules() -> dict[str, str]:
    """Every module of guardrails, with why it cannot be imported; "" where it can."""
    import guardrails

    found = {}
    for each in walk_packages(guardrails.__path__, "guardrails."):
        # The hook of a Python that starts, which would install a guard here; and `python -m`.
        if ".site" in each.name or each.name.endswith("__main__"):
            continue
        try:
            import_module(each.name)
            found[each.name] = ""
        except Exception as error:
            found[each.name] = f"{type(error).__name__}: {error}"
    return found

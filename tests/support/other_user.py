"""Another user of this host: a child process that gives root's rights away."""

from __future__ import annotations

import os
import pwd
import traceback

import pytest

NOBODY = 65534


def name(uid=NOBODY):
    return pwd.getpwuid(uid).pw_name


def act(action, uid=NOBODY):
    """Run `action` as this user. Returns what it returned, as text; a failure in it fails the test."""
    return start(action, uid)()


def start(action, uid=NOBODY):
    """The same, but return at once, with the function that waits for it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgid(uid)
            os.setuid(uid)
            os.write(writing, str(action()).encode())
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(writing)

    def end():
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said = pipe.read()
        assert os.waitpid(child, 0)[1] == 0, said
        return said

    return end

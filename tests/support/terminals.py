"""Processes at terminals of their own (pseudo-terminals), and a person who reads and types there."""

from __future__ import annotations

import os
import pty
import select
import signal
import time

from guardrails.caller.kinds import CI_MARKS


def environment(**more):
    """This process's environment without CI, which would rule out questions."""
    return {**{name: value for name, value in os.environ.items() if name not in CI_MARKS}, **more}


class Terminal:
    """A process with a terminal of its own; `ctrl_c` is what it inherits for SIGINT."""

    def __init__(self, command, env, folder=".", ctrl_c=signal.SIG_DFL):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, ctrl_c)
            os.chdir(folder)
            os.execve(command[0], command, env)
        self.seen = ""

    def until(self, text, seconds=60):
        """Read until `text` comes, or the process ends."""
        deadline = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    part = os.read(self.fd, 4096)
                except OSError:
                    break
                if not part:
                    break
                self.seen += part.decode().replace("\r\n", "\n")
        return self.seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, code=0):
        """What was seen to the end, which is with this exit code."""
        self.until("\0")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        assert os.waitstatus_to_exitcode(status) == code, self.seen
        return self.seen

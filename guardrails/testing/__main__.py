"""``eval "$(python -m guardrails.testing)"``: a simulated AWS for this shell, with a shop behind a load balancer.

Prints lines for the shell: variables with which programs reach only the simulated AWS, the ids of the machines in
BLUE, GREEN and BOX, and a trap that ends the server with the shell. It ends after an hour in any case.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator

from guardrails.testing.shop import Shop, open_shop
from guardrails.testing.simulated import SimulatedAWS

_SERVE = "--serve"
_HOUR = 3600


def _serve() -> None:
    """In a process of its own: the lines, then the server until it is ended."""
    with SimulatedAWS() as aws:
        for line in _lines(aws, open_shop(aws)):
            print(line)  # noqa: T201  (for the shell)
        print(end="", flush=True)  # noqa: T201
        # The shell waits until everyone has closed the pipe, and what moto reports is not for it.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        threading.Event().wait(_HOUR)


def _lines(aws: SimulatedAWS, shop: Shop) -> Iterator[str]:
    ids = {"BLUE": shop.blue, "GREEN": shop.green, "BOX": shop.box}
    values = {**aws.environment(), **{name: " ".join(machines) for name, machines in ids.items()}}
    for name, value in values.items():
        yield f"export {name}={shlex.quote(value)}"
    yield f"trap 'kill {os.getpid()}' EXIT"


def _start() -> None:
    command = [sys.executable, "-m", "guardrails.testing", _SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:  # noqa: S603  (this Python)
        sys.stdout.write(server.stdout.read() if server.stdout else "")
        sys.stdout.flush()
        # It goes on without this process.
        os._exit(0 if server.poll() is None else 1)


if __name__ == "__main__":
    if _SERVE in sys.argv[1:]:
        _serve()
    else:
        _start()

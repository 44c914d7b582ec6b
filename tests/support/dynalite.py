"""dynalite, a DynamoDB in Node.js. It makes the updates of an item one after the other, as AWS does; moto does not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support import environments
from tests.support.opa_servers import free_port
from tests.support.waiting import until

_VERSION = "4.0.0"
# It ends when a client is killed in the middle of a request, which it has not begun to carry out then.
_SURVIVE = (
    "process.on('uncaughtException', (e) => { if (e.code !== 'ECONNRESET') { console.error(e); process.exit(1) } })"
)


def program() -> list[str]:
    """The command that starts it. Where it cannot be installed the test is skipped, and fails in CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        environments.skip("there is no Node.js on PATH")
    folder = environments.CACHE / f"dynalite-{_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    cli = folder / "node_modules" / "dynalite" / "cli.js"
    with (environments.CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cli.exists():
            # The tests' home folder is empty; npm's settings, such as a mirror, are in the user's.
            settings = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".npmrc"
            done = subprocess.run(
                [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"dynalite@{_VERSION}"],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "NPM_CONFIG_USERCONFIG": str(settings)},
            )
            if done.returncode or not cli.exists():
                environments.skip(f"dynalite cannot be installed: {(done.stderr or done.stdout)[-500:]}")
        survive = folder / "survive.js"
        survive.write_text(_SURVIVE)
    return [node, "--require", str(survive), str(cli)]


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[str]:
    """A server without tables; its address."""
    port = free_port()
    command = [*command, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: _listens(process, port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(process: subprocess.Popen, port: int) -> bool:
    if process.poll() is not None:
        raise RuntimeError(process.stderr.read().decode())
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False

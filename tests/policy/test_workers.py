"""Processes of the policy author's tools."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal
from guardrails.policy.workers import WorkerPool

def start():
    pass

if __name__ == "__main__":
    pool = WorkerPool(2, start)
    try:
        # Larger than a pipe holds: written only once a process has started to read.
        done = [pool.submit(len, bytes(1_000_000)) for _ in range(6)]
        os.killpg(0, signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        pool.shutdown()
    print(*[each.result() for each in done])
"""


def test_interrupted_while_workers_start(tmp_path):
    """Ctrl-C in a terminal while processes start reaches the command only, and the processes do their work."""
    script = tmp_path / "pool.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, timeout=120, start_new_session=True
    )
    assert done.stdout == f"interrupted\n{'1000000 ' * 6}".rstrip() + "\n"
    assert done.stderr == ""
    assert done.returncode == 0


IMPATIENT = """
import multiprocessing, os, signal, time
from guardrails.policy.workers import WorkerPool

def start():
    pass

def press(parent):
    for _ in range(5):
        os.kill(parent, signal.SIGINT)
        time.sleep(0.02)

if __name__ == "__main__":
    try:
        with WorkerPool(2, start) as pool:
            done = [pool.submit(press, os.getpid()) for _ in range(4)]
            done[0].result()
    except KeyboardInterrupt:
        print("interrupted", multiprocessing.active_children())
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_interrupted_again_and_again(tmp_path):
    """Ctrl-C pressed more than once leaves no process behind, and Ctrl-C works as before afterwards."""
    script = tmp_path / "pool.py"
    script.write_text(IMPATIENT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted []\nTrue\n", "")

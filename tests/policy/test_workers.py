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

"""Each thread has an engine of its own, and what drops it elsewhere prints nothing and frees nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from guardrails.evaluate import kept_engine
from guardrails.evaluate.kept_engine import KeptEngine

SCRIPT = """
import os, sys, threading
import boto3, guardrails

guardrails.install()
decided, end = threading.Event(), threading.Event()

def work():
    boto3.client("ec2").reboot_instances(InstanceIds=sys.argv[1:])
    decided.set()
    end.wait()

if __name__ == "__main__":
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    decided.wait()
    %s
    print("end")
"""
ENDS = {
    "a thread that goes on": "",
    "a thread that has ended": "end.set(); thread.join()",
    "a fork beside a thread": "os.waitpid(child, 0) if (child := os.fork()) else sys.exit()",
    "a fork that decides": (
        "child = os.fork()\n"
        "    boto3.client('ec2').reboot_instances(InstanceIds=sys.argv[1:])\n"
        "    os.waitpid(child, 0) if child else sys.exit()"
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_nothing_is_printed(how, aws, site, tmp_path):
    """A program that ends or forks while another of its threads has decided on a call says only what it says itself."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT % ENDS[how])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, site.green.instance_ids[0]],
        env={**os.environ, **aws.environment()}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
    assert aws.count("RebootInstances") == (3 if "decides" in how else 1)


def test_only_other_threads_keep_it(monkeypatch):
    """Its own thread frees an engine, and another one keeps it for good."""
    held: list[object] = []
    monkeypatch.setattr(kept_engine, "holder", lambda: held.append)
    own, other, owner = object(), object(), threading.Event()
    kept = [KeptEngine(own, owner), KeptEngine(other, owner)]
    del kept[0]
    assert not held
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    assert held == [other]

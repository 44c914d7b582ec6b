"""The first import of botocore, which installs the guard: in several threads, interrupted, with broken streams."""

from __future__ import annotations

import sys

import pytest

# `at` runs when the module `name` is loaded, once: the script meets the guard in the middle of its installation.
AT = """
import os, sys, threading
class At:
    def __init__(self, name, act): self.name, self.act = name, act
    def find_spec(self, name, path=None, target=None):
        if name != self.name: return None
        sys.meta_path.remove(self)
        spec = next(filter(None, (each.find_spec(name, path, target) for each in list(sys.meta_path))))
        usual = spec.loader.exec_module
        def exec_module(module):
            self.act()
            usual(module)
        spec.loader.exec_module = exec_module
        return spec
def at(name, act): sys.meta_path.insert(0, At(name, act))
def terminate():
    import boto3
    ec2 = boto3.client("ec2")
    ec2.describe_key_pairs()
    try: ec2.terminate_instances(InstanceIds=[sys.argv[1]])
    except Exception as error: return type(error).__name__
    return "sent"
"""
TWO_THREADS = """
installing, loading = threading.Event(), threading.Event()
def other():
    installing.wait()
    at("botocore.compat", loading.set)
    from botocore.config import Config
thread = threading.Thread(target=other)
thread.start()
def meet():
    installing.set()
    assert loading.wait(60)
at("guardrails.process", meet)
import botocore.exceptions
thread.join()
print(terminate())
"""
RUNS_AHEAD = """
installing, came_back = threading.Event(), threading.Event()
def other():
    installing.wait()
    # Loaded already, so that Python does not wait for the other thread's import.
    from botocore.session import Session
    ec2 = Session().create_client("ec2")
    try: ec2.terminate_instances(InstanceIds=[sys.argv[1]])
    except Exception as error: print(type(error).__name__)
    came_back.set()
thread = threading.Thread(target=other)
thread.start()
def meet():
    installing.set()
    # Without the guard it would be there now.
    came_back.wait(3)
at("regorus", meet)
import botocore
thread.join()
"""
INTERRUPTED = """
class TimeIsUp(Exception): pass
def up(): raise {}("enough")
at({!r}, up)
try: import boto3
except BaseException as error: print(type(error).__name__)
finally: print("cleaned up")
print(terminate())
"""
SWALLOWED = """
{}
try: import botocore.session
except BaseException: pass
print(terminate())
"""
BROKEN_STREAMS = {
    "closed": "sys.stdout.close()",
    "a broken pipe": "r, w = os.pipe(); os.close(r); sys.stdout = os.fdopen(w, 'w'); print('x')",
    "without flush": "sys.stdout = sys.stderr = object()",
    "none": "sys.stdout = sys.stderr = None",
}


@pytest.fixture
def run(execute, tmp_path, site):
    """run(code): a script under `guardrails run` with the live machine as its argument."""

    def start(code):
        (tmp_path / "script.py").write_text(AT + code)
        return execute(sys.executable, "-m", "guardrails", "run", "script.py", site.blue.instance_ids[0])

    return start


def test_two_threads_import_at_once(aws, run):
    """A thread that imports a part of botocore while another one installs the guard ends neither; both are guarded."""
    done = run(TWO_THREADS)
    assert (done.returncode, done.stdout) == (0, "CallDenied\n"), done.stderr
    assert aws.count("TerminateInstances") == 0


def test_no_thread_sends_before_the_guard_is_there(aws, run):
    """A call of a thread that finds botocore loaded while another one still installs the guard waits, and is denied."""
    done = run(RUNS_AHEAD)
    assert (done.returncode, done.stdout) == (0, "CallDenied\n"), done.stderr
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ("KeyboardInterrupt", "guardrails.process"),
        ("KeyboardInterrupt", "regorus"),
        ("TimeIsUp", "regorus"),
        ("TimeoutError", "guardrails.process"),
    ],
)
def test_an_interrupted_import(error, name, aws, run):
    """Ctrl-C or a time limit during the first import is the script's to handle, and nothing is sent unguarded."""
    done = run(INTERRUPTED.format(error, name))
    assert (done.returncode, done.stdout) == (0, f"{error}\ncleaned up\nCallDenied\n"), done.stderr
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize("streams", BROKEN_STREAMS)
def test_no_stream_keeps_an_unguarded_process_alive(streams, aws, execute, environment, tmp_path, site):
    """A process that cannot be guarded ends with its reason, whatever the script has made of its streams."""
    execute(environment, "-m", "guardrails", "activate")
    (tmp_path / "guardrails.toml").write_text("mode = 'enforced'\n")
    (tmp_path / "script.py").write_text(AT + SWALLOWED.format(BROKEN_STREAMS[streams]))
    done = execute(environment, "script.py", site.blue.instance_ids[0])
    assert done.returncode == 2
    assert "guardrails.toml:1" in done.stderr
    assert aws.requests == ()

"""A script under `guardrails run` lives and ends as under Python itself, except for a blocked call."""

from __future__ import annotations

import subprocess
import sys
import zipapp

import pytest

DENIED = "import os, sys, boto3\n{}\nboto3.client('ec2').terminate_instances(InstanceIds=sys.argv[1:])"
BROKEN = {
    "stdout closed": "sys.stdout.close()",
    "stderr closed": "sys.stderr.close()",
    "stdout a broken pipe": "r, w = os.pipe(); os.close(r); sys.stdout = os.fdopen(w, 'w'); print('x')",
    "both without write": "sys.stdout = sys.stderr = object()",
}
GROUP = """
import sys, boto3
try: boto3.client("ec2").terminate_instances(InstanceIds=sys.argv[1:])
except Exception as error: raise ExceptionGroup("outer", [ExceptionGroup("inner", [error]), {}])
"""
LATE = """
import atexit, pickle, sys, threading
class Job: pass
def work():
    threading.main_thread().join()
    print(len(pickle.dumps(Job())) > 0)
threading.Thread(target=work).start()
atexit.register(lambda: print(sys.modules["__main__"].Job is Job))
"""
NO_LOGGER = "import logging.config; logging.config.dictConfig({'version': 1, 'disable_existing_loggers': True})"


@pytest.fixture
def run(execute, tmp_path, site):
    """run(code, *words): the script under `guardrails run`, after those words, with the live machine's id."""

    def start(code, *words):
        (tmp_path / "script.py").write_text(code)
        return guarded(execute, *words, "script.py", site.blue.instance_ids[0])

    return start


def guarded(execute, *command, **more):
    return execute(sys.executable, "-m", "guardrails", "run", *command, **more)


@pytest.mark.parametrize("words", [(), (sys.executable,)], ids=["script", "python"])
@pytest.mark.parametrize("streams", BROKEN)
def test_a_denial_is_shown_on_broken_streams(streams, words, aws, run):
    """An uncaught denial is shown and the exit code is 3, whatever the script has made of its streams."""
    done = run(DENIED.format(BROKEN[streams]), *words)
    assert "Rule live-cluster/terminate" in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode, aws.count("TerminateInstances")) == (3, 0)


def test_a_group_of_denials(aws, run):
    """A group of denials ends as one does; a group with another error keeps its traceback and exit code."""
    done = run(GROUP.format("error"))
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    done = run(GROUP.format("ValueError()"))
    assert (done.returncode, "ValueError" in done.stderr) == (1, True)
    assert aws.count("TerminateInstances") == 0


def test_the_whole_denial_where_the_log_is_off(run):
    """Where a script's logging keeps the log silent, the denial is shown from its first sentence on."""
    done = run(DENIED.format(f"boto3.client('ec2'); {NO_LOGGER}"))
    assert done.returncode == 3
    assert done.stderr.count("Blocked before it reached AWS") == 1


@pytest.mark.parametrize("words", [("script.py",), ("-m", "script")], ids=["script", "module"])
def test_the_script_stays_main(words, execute, tmp_path):
    """Threads and exit handlers that outlive the script's last line find its names in `__main__`."""
    (tmp_path / "script.py").write_text(LATE)
    done = guarded(execute, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nTrue\n", "")


@pytest.mark.parametrize("kind", ["folder", "archive", "bytecode"])
def test_other_forms_of_a_program(kind, aws, site, execute, tmp_path):
    """A folder or archive with a `__main__`, and bytecode, run as Python runs them, and are guarded."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "beside.py").write_text("")
    (folder / "__main__.py").write_text("import beside\n" + DENIED.format(""))
    name = "program"
    if kind == "archive":
        name = "program.pyz"
        zipapp.create_archive(folder, tmp_path / name)
    elif kind == "bytecode":
        code = f"import py_compile; py_compile.compile({str(folder / '__main__.py')!r}, {str(folder / 'x.pyc')!r})"
        subprocess.run([sys.executable, "-c", code], check=True)
        name = "program/x.pyc"
    done = guarded(execute, name, site.blue.instance_ids[0])
    assert "Rule live-cluster/terminate" in done.stderr
    assert (done.returncode, aws.count("TerminateInstances")) == (3, 0)


@pytest.mark.parametrize("command", ["run script.py", "docs limits"])
def test_a_closed_standard_output(command, execute, tmp_path):
    """A command that is started without a standard output does what it does."""
    (tmp_path / "script.py").write_text("import sys; sys.exit(7)")
    done = execute("sh", "-c", f'exec "{sys.executable}" -m guardrails {command} >&-')
    assert (done.returncode, done.stderr) == (7 if "run" in command else 0, "")

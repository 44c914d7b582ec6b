"""Processes that a guarded program starts are guarded with its configuration, however it starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import guardrails
from guardrails.activation.hook import INHERITED
from tests.support.environments import ROOT

TERMINATE = """
import os, sys
def terminate(machine):
    import boto3, botocore.exceptions
    try:
        boto3.client("ec2").terminate_instances(InstanceIds=[machine])
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "sent"
"""
CHILD = TERMINATE + "print(*map(terminate, sys.argv[1:]))\n"
INSTALL = """
import os, sys, guardrails
if os.environ.get("GUARDED") == "1":
    guardrails.install({"log": {"path": os.environ["LOG"]}, "cluster_tag": "Team", "max_fact_age_s": 60})
"""
# How a program starts another one: `command` is its command line, and it prints what the child printed.
STARTS = {
    "subprocess.run": "import subprocess; print(subprocess.run(command, stdout=-1, text=True).stdout)",
    "subprocess.run with an environment": (
        "import subprocess; names = [name for name in os.environ if name.startswith(('AWS_', 'PATH'))]; "
        "print(subprocess.run(command, stdout=-1, text=True, env={name: os.environ[name] for name in names}).stdout)"
    ),
    "subprocess.run with another PYTHONPATH": (
        "import subprocess; print(subprocess.run(command, stdout=-1, text=True, "
        "env={**os.environ, 'PYTHONPATH': os.environ['ROOT']}).stdout)"
    ),
    "a shell": "import shlex; print(os.popen(shlex.join(command)).read())",
    "os.system": "import shlex; sys.stdout.flush(); os.system(shlex.join(command))",
    "os.execv": "sys.stdout.flush(); os.execv(command[0], command)",
    "os.execve": "sys.stdout.flush(); os.execve(command[0], command, {**os.environ, 'PYTHONPATH': os.environ['ROOT']})",
    "os.posix_spawn": "sys.stdout.flush(); os.waitpid(os.posix_spawn(command[0], command, os.environ), 0)",
    "os.spawnv": "sys.stdout.flush(); os.spawnv(os.P_WAIT, command[0], command)",
    "asyncio": (
        "import asyncio\n"
        "async def main():\n"
        "    process = await asyncio.create_subprocess_exec(*command, stdout=-1)\n"
        "    print((await process.communicate())[0].decode())\n"
        "asyncio.run(main())"
    ),
    "a child of a child": (
        "import subprocess; again = 'import subprocess, sys; subprocess.run(sys.argv[1:])'; "
        "print(subprocess.run([sys.executable, '-c', again, *command], stdout=-1, text=True).stdout)"
    ),
}


@pytest.fixture
def teams(aws, log):
    """run(script, *arguments): a program that is guarded, with Team as the tag of clusters, and one that is not."""
    live = aws.start_cluster("red", 2, addresses=1, cluster_tag="Team")
    other = aws.start_cluster("white", 2, cluster_tag="Team")
    child = log.with_name("child.py")
    child.write_text(CHILD)

    def run(start, *, guarded=True, python=sys.executable, script=child, **more):
        command = [python, str(script), live.instance_ids[0], other.instance_ids[0]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDRAILS_"))}
        kept |= {**aws.environment(), "PYTHONPATH": str(ROOT), "ROOT": str(ROOT), "LOG": str(log), **more}
        kept["GUARDED"] = "1" if guarded else "0"
        aws.clear()
        program = f"{INSTALL}\ncommand = {command!r}\n{start}"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=kept, cwd=log.parent, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.stdout.split(), done.stderr

    return run


@pytest.mark.parametrize("start", STARTS)
def test_every_way_to_start_a_program(start, teams, aws):
    """The live machine is protected in the child, and the other one terminated; without the guard both arrive."""
    printed, said = teams(STARTS[start])
    assert printed == ["GuardrailsDenied", "sent"], said
    assert aws.count("TerminateInstances") == 1
    printed, said = teams(STARTS[start], guarded=False)
    assert printed == ["sent", "sent"], said
    assert aws.count("TerminateInstances") == 2


RUN = STARTS["subprocess.run"]


def test_a_fork_beside_no_thread(teams):
    """After a governed call no thread of the guard is left, so Python does not warn of a fork beside one."""
    printed, said = teams(f"""
{TERMINATE}
import threading, warnings
warnings.simplefilter("error")
print(*map(terminate, command[2:]), threading.active_count(), flush=True)
if not os.fork():
    print(terminate(command[2]), flush=True)
    os._exit(0)
print(os.wait()[1])
""")
    assert printed == ["GuardrailsDenied", "sent", "1", "GuardrailsDenied", "0"], said


def test_what_is_not_seen(teams, aws):
    """As the coverage page says: a child that ignores the environment, or is given one without the guard's, is not."""
    for start in (
        "command.insert(1, '-I')",
        "command.insert(1, '-E')",
        "command[:0] = ['env', '-u', 'PYTHONPATH', f'PYTHONPATH={os.environ[\"ROOT\"]}']",
        "command = ['bash', '-c', 'export PYTHONPATH=$ROOT; exec \"$@\"', 'bash', *command]",
        f"os.environ['{INHERITED}'] = ''",
    ):
        printed, said = teams(f"{start}\n{RUN}")
        assert printed == ["sent", "sent"] or "No module named" in said, said


IN_A_SUBINTERPRETER = """
import boto3, sys
sys.path.insert(0, {root!r})
boto3.client("ec2").terminate_instances(InstanceIds=[{machine!r}])
import guardrails
try:
    guardrails.install()
except guardrails.ConfigError as error:
    print(*str(error).split())
"""


def test_a_subinterpreter(teams, aws):
    """As the coverage page says, calls made in one are not seen; install() says there that they cannot be."""
    start = f"""
import os
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = {IN_A_SUBINTERPRETER!r}.format(root=os.environ["ROOT"], machine=command[2])
failed = interpreters.run_string(interpreters.create(), code)
assert failed is None, failed
"""
    printed, said = teams(start)
    assert "cannot guard a subinterpreter" in " ".join(printed), said
    assert "ThreadPoolExecutor" in " ".join(printed)
    assert aws.count("TerminateInstances") == 1


def test_a_child_with_its_own_configuration(teams, aws, log):
    """A child that calls install() with a configuration has that one; without one, its parent's."""
    script = log.with_name("own.py")
    own = {"log": {"path": str(log)}, "cluster_tag": "Team", "mode": "warn"}
    for config, expected in (("", ["GuardrailsDenied", "sent"]), (f"{own!r}", ["sent", "sent"])):
        script.write_text(f"import guardrails; guardrails.install({config})\n{CHILD}")
        printed, said = teams(RUN, script=script)
        assert printed == expected, said
        assert "is ignored" not in said


def test_an_innocent_child(teams, log):
    """A child that does not use AWS imports neither botocore nor the guard, and the script's sitecustomize runs."""
    script = log.with_name("innocent.py")
    script.write_text("import sys; print(OWN, *sorted({'botocore', 'attrs', 'regorus'} & set(sys.modules)))")
    own = log.with_name("own")
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.OWN = 'ran'")
    printed, said = teams(RUN, script=script, PYTHONPATH=f"{ROOT}{os.pathsep}{own}")
    assert (printed, said) == (["ran"], "")


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.10", "3.11", "3.12", "3.13"])
def test_another_python(version, teams, log):
    """A Python that has no guardrails, however old, runs as ever and says nothing."""
    python = _python(version)
    script = log.with_name("innocent.py")
    script.write_text("print('fine')")
    assert teams(RUN, python=python, script=script, PYTHONNOUSERSITE="1") == (["fine"], "")


def test_another_python_that_uses_aws(teams, aws, log):
    """Without guardrails, a Python of another environment says in one line that its calls are not checked."""
    other = log.with_name("other")
    venv.create(other, symlinks=True)
    site_packages = next(other.glob("lib/python*/site-packages"))
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "guardrails" not in package.name and not (site_packages / package.name).exists():
            (site_packages / package.name).symlink_to(package)
    script = log.with_name("foreign.py")
    script.write_text(f"import sys; sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n{CHILD}")
    printed, said = teams(RUN, python=str(other / "bin" / "python"), script=script)
    assert printed == ["sent", "sent"], said
    (line,) = said.splitlines()
    assert line.startswith("guardrails: the calls of this process are not checked, although its parent's are")


def _python(version):
    candidates = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    roots = [Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python")]
    found = [str(path) for path in (*candidates, *roots[0]) if path]
    for path in found:
        if subprocess.run([path, "-c", "import sys"], capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip(f"there is no Python {version} here")


def test_the_environment_is_given_back(install, monkeypatch):
    """uninstall() leaves the environment as it was, with what the program has changed meanwhile."""
    monkeypatch.setenv("PYTHONPATH", "/own")
    before = dict(os.environ)
    install()
    assert os.environ["PYTHONPATH"].endswith(f"{os.pathsep}/own")
    assert json.dumps(dict(os.environ))
    os.environ["PYTHONPATH"] = f"/first{os.pathsep}{os.environ['PYTHONPATH']}"
    guardrails.uninstall()
    assert dict(os.environ) == {**before, "PYTHONPATH": f"/first{os.pathsep}/own"}
    monkeypatch.delenv("PYTHONPATH")
    before = dict(os.environ)
    install()
    guardrails.uninstall()
    assert dict(os.environ) == before


@pytest.mark.parametrize("path", [":/own", "/own:", ":", "/own::/other"])
def test_empty_parts_of_the_path_stay(path, install, monkeypatch):
    """An empty part of PYTHONPATH is the working directory: children have it, and uninstall() leaves it."""
    monkeypatch.setenv("PYTHONPATH", path)
    install()
    assert os.environ["PYTHONPATH"].split(os.pathsep)[1:] == path.split(":")
    guardrails.uninstall()
    assert os.environ["PYTHONPATH"] == path


AGAIN = """
import multiprocessing, subprocess, sys
if __name__ == "__main__":
    toml = pathlib.Path("guardrails.toml")
    toml.write_text(WARN)
    guardrails.install()
    toml.write_text({edited!r})
    print(subprocess.run([sys.executable, "child.py", *sys.argv[1:]], stdout=-1, text=True).stdout)
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(*pool.map(terminate, sys.argv[1:]))
"""
WARN = """
WARN = '[enforcement]\\n"live-cluster/terminate" = "warn"\\n"remaining/share" = "warn"\\n[state]\\nenabled = false\\n'
"""


@pytest.mark.parametrize(
    ("edited", "expected"),
    [('[enforcement]\n"live-cluster/stop" = "warn"\n', "GuardrailsDenied"), ("no toml", "sent")],
    ids=["edited", "broken"],
)
def test_children_of_a_program_whose_configuration_was_edited(edited, expected, aws, site, log):
    """A new child has the rules as the file has them now; where that does not load, those of its parent."""
    (log.with_name("child.py")).write_text(CHILD)
    script = log.with_name("long.py")
    script.write_text(f"import pathlib, guardrails\n{TERMINATE}{WARN}{AGAIN.format(edited=edited)}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUARDRAILS_")}
    done = subprocess.run(
        [sys.executable, script, site.blue.instance_ids[0]],
        env={**kept, **aws.environment(), "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(log.parent)},
        cwd=log.parent, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.split() == [expected] * 3, done.stderr
    assert ("does not load" in done.stderr) == (expected == "sent")


POOL = "from multiprocess import get_context\nwith get_context({!r}).Pool(2) as pool:\n    print(*pool.map({}))"
MACHINES = "terminate, command[2:]"
WORKERS = {
    "joblib": "from joblib import Parallel, delayed\nprint(*Parallel(n_jobs=2)(map(delayed(terminate), command[2:])))",
    "loky": f"from loky import get_reusable_executor\nprint(*get_reusable_executor(2).map({MACHINES}))",
    "joblib's loky": f"from joblib.externals import loky\nprint(*loky.ProcessPoolExecutor(2).map({MACHINES}))",
    "multiprocess, fork": POOL.format("fork", MACHINES),
    "multiprocess, spawn": POOL.format("spawn", MACHINES),
    "multiprocess, forkserver": POOL.format("forkserver", MACHINES),
}


@pytest.mark.tools
@pytest.mark.parametrize("workers", WORKERS)
def test_workers(workers, aws, log, python_of):
    """Process pools of other libraries: the live machine is protected in each worker, the other one terminated."""
    live = aws.start_cluster("red", 2, addresses=1, cluster_tag="Team")
    other = aws.start_cluster("white", 2, cluster_tag="Team")
    script = log.with_name("work.py")
    command = ["", "", live.instance_ids[0], other.instance_ids[0]]
    script.write_text(
        f"{TERMINATE}\nif __name__ == '__main__':\n"
        + "".join(f"    {line}\n" for line in f"{INSTALL}\ncommand = {command!r}\n{WORKERS[workers]}".splitlines())
    )
    for guarded, expected in (("1", ["GuardrailsDenied", "sent"]), ("0", ["sent", "sent"])):
        aws.clear()
        done = subprocess.run(
            [python_of("workers"), script],
            env={**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT), "LOG": str(log), "GUARDED": guarded},
            cwd=log.parent, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.stdout.split() == expected, done.stderr
        assert aws.count("TerminateInstances") == expected.count("sent")

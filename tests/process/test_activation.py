"""Guarded without editing the script: `guardrails run`, an activated virtual environment, child processes."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.environments import ROOT

SCRIPT = """
import sys, boto3
boto3.client("ec2").terminate_instances(InstanceIds=sys.argv[1:])
print("went through")
"""
# The same in a process of its own, started in different ways.
PARENT = "import subprocess, sys; sys.exit(subprocess.run([{python}, *{flags}, {child!r}, *sys.argv[1:]]).returncode)"


@pytest.fixture
def script(tmp_path):
    """An operator's script that terminates the machines in its arguments."""
    file = tmp_path / "terminator.py"
    file.write_text(SCRIPT)
    return file


def run_guarded(execute, *command, **more):
    return execute(sys.executable, "-m", "guardrails", "run", *command, **more)


def reaches_the_server(execute, aws, *command, **more):
    """Without the guard the same command terminates the live machine: the test can fail."""
    execute(*command, **more)
    assert aws.count("TerminateInstances") == 1


def is_blocked(done, aws, code=3):
    assert "is live" in done.stderr, done.stdout + done.stderr
    assert done.returncode == code
    assert aws.count("TerminateInstances") == 0


def test_run_guards_a_script(aws, site, execute, script):
    """A script under `guardrails run` is blocked on the live cluster with exit code 3, and passes on the other."""
    is_blocked(run_guarded(execute, script, site.blue.instance_ids[0]), aws)
    done = run_guarded(execute, script, site.green.instance_ids[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "went through\n", "")
    assert aws.count("TerminateInstances") == 1
    aws.clear()
    reaches_the_server(execute, aws, sys.executable, script, site.blue.instance_ids[0])


def test_run_guards_a_module(aws, site, execute, script):
    """`guardrails run -m MODULE` guards a module."""
    is_blocked(run_guarded(execute, "-m", "terminator", site.blue.instance_ids[0]), aws)
    reaches_the_server(execute, aws, sys.executable, "-m", "terminator", site.blue.instance_ids[0])


@pytest.mark.parametrize("python", ["here", "env", "long"])
def test_run_guards_a_console_script(aws, site, execute, script, tmp_path, python):
    """A Python program on PATH is guarded, however its first line names Python."""
    lines = {
        "here": f"#!{sys.executable}\n",
        "env": "#!/usr/bin/env python3\n",
        "long": f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n",
    }
    program = tmp_path / "bin" / "operate"
    program.parent.mkdir()
    program.write_text(lines[python] + SCRIPT)
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
    is_blocked(run_guarded(execute, "operate", site.blue.instance_ids[0], PATH=path), aws)
    reaches_the_server(execute, aws, program, site.blue.instance_ids[0], PATH=path)


@pytest.mark.parametrize("flags", [[], ["-s"], ["-u", "-O"]])
def test_run_guards_child_processes(aws, site, execute, script, tmp_path, flags):
    """Python processes that a script under `guardrails run` starts are guarded."""
    parent = tmp_path / "parent.py"
    parent.write_text(PARENT.format(python="sys.executable", flags=flags, child=str(script)))
    is_blocked(run_guarded(execute, parent, site.blue.instance_ids[0]), aws, code=1)
    reaches_the_server(execute, aws, sys.executable, parent, site.blue.instance_ids[0])


def test_run_guards_grandchildren(aws, site, execute, script, tmp_path):
    """A child's child is guarded as well."""
    parent, grandparent = tmp_path / "parent.py", tmp_path / "grandparent.py"
    parent.write_text(PARENT.format(python="sys.executable", flags=[], child=str(script)))
    grandparent.write_text(PARENT.format(python="sys.executable", flags=[], child=str(parent)))
    is_blocked(run_guarded(execute, grandparent, site.blue.instance_ids[0]), aws, code=1)
    reaches_the_server(execute, aws, sys.executable, grandparent, site.blue.instance_ids[0])


def test_run_guards_what_a_shell_script_starts(aws, site, execute, script, tmp_path):
    """A shell script is not a Python program, but the Python programs that it starts are guarded."""
    shell = tmp_path / "deploy.sh"
    shell.write_text(f'#!/bin/sh\n"{sys.executable}" "{script}" "$@"\n')
    shell.chmod(0o755)
    is_blocked(run_guarded(execute, shell, site.blue.instance_ids[0]), aws, code=1)
    reaches_the_server(execute, aws, shell, site.blue.instance_ids[0])


def test_run_prefers_the_program_beside_guardrails(aws, site, execute, environment, script, tmp_path):
    """A program in guardrails' own environment is preferred to one of the same name on PATH."""
    own, other = environment.parent / "operate", tmp_path / "elsewhere" / "operate"
    own.write_text(f"#!{environment}\n" + SCRIPT)
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho another\n")
    for program in (own, other):
        program.chmod(0o755)
    path = os.pathsep.join((str(other.parent), os.environ["PATH"]))
    done = execute(environment, "-m", "guardrails", "run", "operate", site.blue.instance_ids[0], PATH=path)
    is_blocked(done, aws)


@pytest.mark.parametrize("options", [(), ("-u", "-O"), ("-X", "utf8")])
def test_run_guards_a_python_interpreter(aws, site, execute, script, options):
    """`guardrails run python script.py` is guarded like the script itself."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = run_guarded(execute, "python", *options, script, site.blue.instance_ids[0], PATH=path)
    assert done.returncode == 3
    assert "live-cluster/terminate" in done.stderr
    assert "Traceback" not in done.stderr
    assert aws.count("TerminateInstances") == 0
    done = run_guarded(execute, "python", *options, script, site.green.instance_ids[0], PATH=path)
    assert (done.returncode, aws.count("TerminateInstances")) == (0, 1)


@pytest.mark.parametrize("options", [("-I",), ("-sE",), ("-u", "-S")])
def test_run_refuses_an_isolated_interpreter(aws, site, execute, script, options):
    """An interpreter that ignores the environment would run unguarded, so it is not run."""
    done = run_guarded(execute, sys.executable, *options, script, site.blue.instance_ids[0])
    assert done.returncode == 2
    assert "ignores the environment, and the guard with it" in done.stderr
    assert aws.count("TerminateInstances") == 0


def test_run_refuses_what_it_cannot_see(aws, site, execute):
    """A program in another language is not run: its calls would look guarded but would not be."""
    done = run_guarded(execute, "ls")
    assert done.returncode == 2
    assert "ls is not a Python program" in done.stderr


def test_another_python_without_guardrails_is_ended(aws, site, execute, script, tmp_path):
    """A descendant that imports botocore and cannot import guardrails ends with the reason; one that does not, runs."""
    other = tmp_path / "other"
    venv.create(other, symlinks=True)
    site_packages = next(other.glob("lib/python*/site-packages"))
    # Everything that is installed for these tests, but for guardrails, however that is installed.
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "guardrails" not in package.name and not (site_packages / package.name).exists():
            (site_packages / package.name).symlink_to(package)
    python = other / "bin" / "python"
    child = tmp_path / "child.py"
    child.write_text(f"import sys; sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n{SCRIPT}")
    parent = tmp_path / "parent.py"
    parent.write_text(PARENT.format(python=repr(str(python)), flags=[], child=str(child)))
    done = run_guarded(execute, parent, site.blue.instance_ids[0])
    assert done.returncode == 2
    assert f"is botocore-guardrails installed for {python}?" in done.stderr
    # A folder of that name beside the script (of the log, say) counts as a package, too.
    assert "No module named 'guardrails" in done.stderr
    assert aws.requests == ()
    child.write_text("print('no botocore, no guard')")
    assert run_guarded(execute, parent).stdout == "no botocore, no guard\n"


def test_the_hidden_sitecustomize_still_runs(execute, tmp_path):
    """The user's own sitecustomize still runs, although ours hides it."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.OWN = 'ran'")
    script = tmp_path / "script.py"
    script.write_text("print(OWN)")
    assert run_guarded(execute, script, PYTHONPATH=f"{ROOT}{os.pathsep}{own}").stdout == "ran\n"


def test_a_script_finds_nothing_imported(execute, tmp_path):
    """A script under `guardrails run` that does not use AWS imports neither botocore nor the guard."""
    script = tmp_path / "script.py"
    script.write_text("import sys; print(sorted({'botocore', 'click', 'attrs', 'regorus'} & set(sys.modules)))")
    assert run_guarded(execute, script).stdout == "[]\n"


def test_run_reports_a_bad_configuration_before_anything_runs(execute, tmp_path, script):
    """A mistake in the configuration is one sentence and exit code 2."""
    bad = tmp_path / "bad.toml"
    bad.write_text("mode = 'enforced'\n")
    done = run_guarded(execute, "--config", bad, script)
    assert done.returncode == 2
    assert f"{bad}:1" in done.stderr


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E"], ["-s", "-E"]])
def test_an_activated_environment_is_guarded(aws, site, execute, script, environment, flags):
    """Every Python of an activated environment is guarded, isolated ones too; after deactivate none is."""
    assert execute(environment, "-m", "guardrails", "activate").returncode == 0
    found = json.loads(execute(environment, "-m", "guardrails", "doctor", "--format", "json").stdout)
    assert [one["state"] for one in found if one["about"].startswith("environment")] == ["ok"]
    is_blocked(execute(environment, *flags, script, site.blue.instance_ids[0], PYTHONPATH=None), aws, code=1)
    assert execute(environment, *flags, script, site.green.instance_ids[0]).stdout == "went through\n"
    assert execute(environment, "-m", "guardrails", "deactivate").returncode == 0
    execute(environment, *flags, script, site.blue.instance_ids[0])
    assert aws.count("TerminateInstances") == 2


def test_an_activated_environment_that_cannot_load_ends(aws, site, execute, script, environment, tmp_path):
    """With a broken configuration, a process that imports botocore ends with the reason, and others run."""
    execute(environment, "-m", "guardrails", "activate")
    (tmp_path / "guardrails.toml").write_text("mode = 'enforced'\n")
    done = execute(environment, script, site.blue.instance_ids[0])
    assert done.returncode == 2
    assert "guardrails.toml:1" in done.stderr
    assert aws.requests == ()
    assert execute(environment, "-c", "print('fine')").stdout == "fine\n"
    done = execute(environment, "-m", "guardrails", "deactivate")
    assert done.returncode == 0, done.stderr


def test_no_script_catches_a_guard_that_cannot_load(aws, site, execute, environment, tmp_path):
    """A script that swallows every exception of its imports does not carry on unguarded."""
    execute(environment, "-m", "guardrails", "activate")
    (tmp_path / "guardrails.toml").write_text("mode = 'enforced'\n")
    swallowing = "try:\n import boto3\nexcept BaseException:\n import boto3\n" + SCRIPT
    (tmp_path / "script.py").write_text(swallowing)
    assert execute(environment, "script.py", site.blue.instance_ids[0]).returncode == 2
    assert aws.requests == ()


@pytest.mark.parametrize(
    "content", ["", "def install(package_uri):\n    pass\n", "raise ImportError('no module named rich')\n"]
)
def test_another_package_of_this_name_is_named(aws, site, execute, environment, tmp_path, script, content):
    """Where `guardrails` is another distribution's package, the process ends with its place and what to do."""
    execute(environment, "-m", "guardrails", "activate")
    other = tmp_path / "others" / "guardrails"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text(content)
    info = other.parent / "guardrails_ai-0.6.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guardrails-ai\nVersion: 0.6.0\n")
    (info / "top_level.txt").write_text("guardrails\n")
    done = execute(environment, script, site.blue.instance_ids[0], PYTHONPATH=str(other.parent))
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert "this process must be guarded (`guardrails activate` was run in" in sentence
    assert sentence.endswith(
        "belongs to guardrails-ai, not to botocore-guardrails; "
        "give botocore-guardrails a virtual environment of its own"
    )
    assert aws.requests == ()


def test_activate_refuses_outside_a_virtual_environment(execute):
    """Outside a virtual environment, activate reports that and writes nothing."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}"
    path = os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))
    done = execute(base, "-m", "guardrails", "activate", PYTHONPATH=path)
    assert done.returncode == 2
    assert "is not a virtual environment" in done.stderr


def test_a_partly_imported_guard_is_installed(aws, site, execute, environment, tmp_path):
    """A script that imports parts of guardrails first, in an activated environment, is guarded as well."""
    execute(environment, "-m", "guardrails", "activate")
    for first in ("from guardrails.errors import CallDenied", "from guardrails import CallDenied", "import guardrails"):
        (tmp_path / "script.py").write_text(f"{first}\n{SCRIPT}")
        is_blocked(execute(environment, "script.py", site.blue.instance_ids[0]), aws, code=1)


def test_a_script_that_installs_itself_is_guarded_once(aws, site, execute, environment, tmp_path):
    """install() in an activated environment returns the guard that is there: one decision, one line in the log."""
    execute(environment, "-m", "guardrails", "activate")
    (tmp_path / "script.py").write_text(f"import guardrails; guardrails.install()\n{SCRIPT}")
    is_blocked(execute(environment, "script.py", site.blue.instance_ids[0]), aws, code=1)
    assert len((tmp_path / "decisions.jsonl").read_text().splitlines()) == 1

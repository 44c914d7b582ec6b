"""The `guardrails` command in real processes: output, exit codes, and the requests that reached the server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from attrs import frozen
from click.testing import CliRunner

import guardrails
from guardrails.cli import main
from guardrails.cli.app import app

# Does not know guardrails.
SCRIPT = """
import sys, boto3, helper
boto3.client("ec2").terminate_instances(InstanceIds=sys.argv[1:])
print("terminated", len(sys.argv) - 1, helper.NAME)
"""


@frozen
class Shell:
    """Runs `guardrails …` in a folder, with only the simulated AWS to talk to."""

    folder: object
    env: dict

    def __call__(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "guardrails", *arguments],
            cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def shell(aws, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "script.py").write_text(SCRIPT)
    (folder / "helper.py").write_text("NAME = 'helped'\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDRAILS_"))}
    return Shell(folder, {**env, **aws.environment(), "XDG_STATE_HOME": str(tmp_path), "COLUMNS": "80"})


def test_run_blocks(site, aws, shell):
    """An unchanged script under `guardrails run` is stopped at the live cluster: exit code 3, no traceback."""
    done = shell("run", "script.py", *site.blue.instance_ids)
    assert done.returncode == 3
    assert "Blocked before it reached AWS: TerminateInstances" in done.stderr
    assert "blue" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert aws.count("TerminateInstances") == 0


def test_run_python(site, aws, shell):
    """`run python script.py` ends like `run script.py`: the denial without a traceback, and exit code 3."""
    arguments = ("python", "script.py", site.blue.instance_ids[0])
    done = shell("run", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    assert "live-cluster/terminate" in done.stderr
    (shell.folder / "parent.py").write_text(
        f"import subprocess, sys\nprint(subprocess.run([sys.executable, *{arguments[1:]}]).returncode)\nsys.exit(7)\n"
    )
    parent = shell("run", "python", "parent.py")
    # A child is a Python like any other.
    assert (parent.returncode, parent.stdout) == (7, "1\n")
    assert aws.count("TerminateInstances") == 0


def test_run_lets_through(site, aws, shell):
    """The same script aimed at the other cluster does its work, with its arguments and its own modules."""
    done = shell("run", "script.py", *site.green.instance_ids)
    assert (done.returncode, done.stdout, done.stderr) == (0, "terminated 2 helped\n", "")
    assert aws.running("green") == 0


def test_run_a_module(site, aws, shell):
    """`-m` runs a module, also guarded."""
    done = shell("run", "-m", "script", site.blue.instance_ids[0])
    assert done.returncode == 3
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize(
    ("text", "code", "stderr"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("input('sure?')", 1, "EOFError"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt"),
        ("print(__name__)", 0, ""),
    ],
)
def test_run_keeps_the_scripts_exit_code(shell, text, code, stderr):
    """The exit code and errors are the script's own."""
    (shell.folder / "other.py").write_text(text)
    done = shell("run", "other.py")
    assert done.returncode == code
    assert stderr in done.stderr
    assert "guardrails:" not in done.stderr


def test_run_without_a_script(shell):
    """A missing script is one sentence and exit code 2."""
    done = shell("run", "nothing.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("guardrails: nothing.py: no such script")


def test_check(site, aws, shell):
    """`check` shows the decision, sends only look-ups and logs nothing; exit code 3 if the call would be blocked."""
    denied = shell("check", "ec2", "TerminateInstances", f"InstanceIds={','.join(site.blue.instance_ids)}")
    assert denied.returncode == 3
    assert "would be blocked" in denied.stdout
    assert denied.stdout.count("live-cluster/terminate") == 1
    assert all(machine in denied.stdout for machine in site.blue.instance_ids)
    allowed = shell("check", "ec2", "terminate-instances", f'InstanceIds=["{site.green.instance_ids[0]}"]')
    assert allowed.returncode == 0
    assert "would be sent" in allowed.stdout
    looked_up = {request.operation for request in aws.requests}
    assert looked_up == {
        "DescribeInstances", "DescribeAddresses", "DescribeTargetGroups", "DescribeInstanceAttribute",
        "DescribeRouteTables",
    }  # fmt: skip
    assert "has no decision yet" in shell("log").stderr


def test_check_honours_the_mode(site, shell):
    """In mode "warn" nothing would be blocked, and `check` says why."""
    (shell.folder / "guardrails.toml").write_text('mode = "warn"\n')
    done = shell("check", "ec2", "StopInstances", f"InstanceIds={site.blue.instance_ids[0]}")
    assert done.returncode == 0
    assert "would be sent, because mode is 'warn'" in done.stdout


def test_check_of_a_call_that_needs_confirmation(site, aws, shell):
    """A call that needs confirmation is not reported as blocked, but the exit code is still 3."""
    done = shell(
        "check", "ssm", "SendCommand", "DocumentName=AWS-RunShellScript", f"InstanceIds={site.blue.instance_ids[0]}"
    )
    assert done.returncode == 3
    assert "SendCommand would need confirmation" in done.stdout
    assert "AWS-RunShellScript" in done.stdout
    assert not aws.count("SendCommand")


@pytest.mark.parametrize("command", [["log"], ["report"], ["log", "reconcile", "x"]])
def test_a_log_that_cannot_be_read(command, site, shell):
    """A log that cannot be read is one sentence and exit code 2."""
    (shell.folder / "decisions.jsonl").mkdir()
    (shell.folder / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    done = shell(*command)
    assert done.returncode == 2
    assert "decisions.jsonl: cannot read the decision log (Is a directory)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device on this system")
@pytest.mark.parametrize("command", [["live"], ["live", "--format", "json"], ["doctor"], ["--help"], ["--version"]])
def test_a_full_disk(command, site, shell):
    """If the output cannot be written, a command ends with one sentence and exit code 2."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "guardrails", *command],
            cwd=shell.folder,
            env=shell.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "guardrails: cannot write: No space left on device\n",
    )


def test_a_number_out_of_range(shell):
    """A huge number of decisions is wrong usage, without a traceback."""
    done = shell("log", "--last", "99999999999999999999")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_live_after_look_ups_that_failed(site, aws, shell):
    """After failed look-ups the output does not claim that there are no clusters."""
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    done = shell("live")
    assert done.returncode == 3
    assert "No machine carries" not in done.stdout
    assert "allow the IAM action ec2:DescribeInstances" in done.stderr


def test_a_script_with_an_undecodable_name(site, aws, shell):
    """A script whose name is not valid UTF-8 is guarded like any other."""
    script = os.fsencode(shell.folder) + b"/caf\xe9.py"
    with open(script, "w") as file:
        file.write(
            "import boto3, guardrails; guardrails.install()\n"
            f"boto3.client('ec2').stop_instances(InstanceIds=['{site.blue.instance_ids[0]}'])"
        )
    environment = {**os.environ, **aws.environment()}
    done = subprocess.run([sys.executable, script], cwd=shell.folder, env=environment, capture_output=True, check=False)
    assert b"Rule live-cluster/stop" in done.stderr
    assert not aws.count("StopInstances")


def test_the_traceback_of_an_uncaught_denial(site, aws, shell):
    """The traceback of an uncaught denial has the script's own line and only one of the guard's."""
    (shell.folder / "ops.py").write_text(
        "import boto3, guardrails\nguardrails.install()\n"
        f"boto3.client('ec2').stop_instances(InstanceIds=['{site.blue.instance_ids[0]}'])\n"
    )
    command = [sys.executable, "ops.py"]
    done = subprocess.run(command, cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False)
    frames = re.findall(r'File "(.*?)", line (\d+)', done.stderr)
    assert frames[0][0].endswith("ops.py")
    assert frames[0][1] == "3"
    package = str(Path(guardrails.__file__).parent)
    assert len([file for file, _ in frames if file.startswith(package)]) == 1
    assert len(frames) == 3
    assert "Rule live-cluster/stop" in done.stderr


def test_the_traceback_through_the_scripts_handler(site, aws, shell):
    """If a handler of the script made the call, its line stays in the traceback."""
    (shell.folder / "ops.py").write_text(
        "import boto3, guardrails\nguardrails.install()\nec2 = boto3.client('ec2')\n"
        "def handler(**_):\n"
        f"    ec2.stop_instances(InstanceIds=['{site.blue.instance_ids[0]}'])\n"
        "ec2.meta.events.register('before-call.ec2.DescribeRegions', handler)\nec2.describe_regions()\n"
    )
    command = [sys.executable, "ops.py"]
    done = subprocess.run(command, cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False)
    assert re.findall(r'ops.py", line (\d+)', done.stderr) == ["7", "5"]


def test_mode_warn_says_that_it_was_sent(site, aws, shell):
    """A call that mode "warn" lets pass is not reported as blocked."""
    (shell.folder / "guardrails.toml").write_text('mode = "warn"\n')
    (shell.folder / "ops.py").write_text(
        f"import boto3; boto3.client('ec2').stop_instances(InstanceIds=['{site.blue.instance_ids[0]}'])"
    )
    stderr = shell("run", "ops.py").stderr
    assert "Sent anyway, because mode is 'warn': StopInstances" in stderr
    assert "Blocked" not in stderr
    assert aws.count("StopInstances") == 1


def test_check_json(site, shell):
    """`check --format json` is one JSON document with the decision and every violation."""
    done = shell("check", "--format", "json", "ec2", "StopInstances", f"InstanceIds={site.blue.instance_ids[0]}")
    document = json.loads(done.stdout)
    assert (document["action"], document["sent"]) == ("deny", False)
    assert document["violations"][0]["rule"] == "live-cluster/stop"
    assert site.blue.instance_ids[0] in document["sentence"]


def test_check_of_an_ungoverned_call(aws, shell):
    """An ungoverned call would be sent, and no look-up is made."""
    done = shell("check", "s3", "ListBuckets")
    assert done.returncode == 0
    assert "Not governed: by the catalogue, ListBuckets harms no cluster." in " ".join(done.stdout.split())
    elsewhere = shell("check", "polly", "ListLexicons")
    assert elsewhere.returncode == 0
    assert "Not governed: the catalogue has no operation of polly" in " ".join(elsewhere.stdout.split())
    assert aws.requests == ()


def test_check_of_parameters_that_harm_no_one(site, aws, shell):
    """A governed operation may be harmless with the parameters that are given; `check` says so."""
    done = shell("check", "ec2", "ModifyInstanceAttribute", f"InstanceId={site.blue.instance_ids[0]}",
                 'DisableApiTermination={"Value":true}')  # fmt: skip
    assert done.returncode == 0
    assert "Not governed: with these parameters, ModifyInstanceAttribute harms no" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ec3", "TerminateInstances"], "boto3 has no service ec3; use boto3's name"),
        (["ec2", "TerminateMachines"], "ec2 has no operation TerminateMachines; did you mean TerminateInstances?"),
        (["ec2", "TerminateInstances", "Ids=i-1"], "TerminateInstances has no parameter Ids"),
        (["ec2", "TerminateInstances", "i-1"], "write parameters as NAME=VALUE"),
        (["ec2", "TerminateInstances"], "Missing required parameter"),
        (["ec2", "stop-instances", "--instance-ids", "i-1"], "InstanceIds=VALUE, or InstanceIds=A,B for a list"),
        (["--profile", "none", "ec2", "StopInstances"], "The config profile (none) could not be found; see --profile"),
    ],
)
def test_check_bad_usage(shell, arguments, sentence):
    """A mistake in the arguments is one sentence, exit code 2, no traceback."""
    done = shell("check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_live(site, shell):
    """`live` shows the live cluster, the evidence with its age, and the counts of every cluster; also as JSON."""
    done = shell("live")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "live: blue"
    assert site.blue.public_ips[0] in done.stdout
    assert re.search(r"^eip +blue holds", done.stdout, re.MULTILINE)
    assert " s ago" in done.stdout
    document = json.loads(shell("live", "--format", "json").stdout)
    assert document["region"] == "eu-west-1"
    assert document["live"] == ["blue"]
    assert document["clusters"]["green"] == {
        "live": False, "running": 2, "total": 2, "terminating": 0, "public_ips": [],
        "subnets": document["clusters"]["blue"]["subnets"],
    }  # fmt: skip
    assert 0 <= document["sources"][0]["age_s"] < 60


def test_live_unknown(aws, shell):
    """If the live cluster is not known, the exit code is 3 and the output says what that means."""
    aws.start_cluster("green", 1)
    done = shell("live")
    assert done.returncode == 3
    assert "live: nothing here, now or lately; the parameter nothing_live counts" in done.stdout
    aws.start_cluster("stray", 1, addresses=1, cluster_tag="Owner")
    done = shell("live")
    assert done.returncode == 3
    assert "every cluster is protected" in done.stdout


def test_live_refused_by_iam(aws, shell):
    """A refused look-up names the IAM action to allow."""
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "You are not authorized.")
    done = shell("live")
    assert done.returncode == 3
    assert "allow the IAM action ec2:DescribeAddresses" in done.stderr


@pytest.mark.parametrize("command", [["live"], ["check", "ec2", "DescribeInstances"]])
def test_no_region(command, aws, shell):
    """Without a region, `live` and `check` say how to give one."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        del shell.env[name]
    done = shell(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no region is set; give one with --region, in AWS_DEFAULT_REGION, or by a profile" in done.stderr


def test_policies_that_do_not_exist(shell):
    """A folder or bundle of `policies` that is not there is named with the line of the file that names it."""
    (shell.folder / "guardrails.toml").write_text('mode = "enforce"\npolicies = [\n  "nope",\n]\n')
    done = shell("live")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(r"guardrails.toml:[23]: `policies` names .*/nope, which does not exist", done.stderr)


def test_a_log_with_nothing_to_show(site, aws, shell):
    """Without a log, without a blocked call and without a decision, `log` says which of these it is."""
    assert "there is no decision log at" in shell("log").stderr
    shell("run", "script.py", site.green.instance_ids[0])
    assert "no call was blocked, by" in shell("log", "--denied").stderr
    for log in shell.folder.parent.rglob("decisions.jsonl"):
        log.write_text("")
    empty = shell("log")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "has no decision yet" in empty.stderr


def test_log(site, shell):
    """`log` shows decisions with the newest last, only the denied ones, one in full, and JSON lines."""
    shell("run", "script.py", site.blue.instance_ids[0])
    shell("run", "script.py", site.green.instance_ids[0])
    denial, allowed = shell("log").stdout.splitlines()
    for part in ("deny", "ec2:TerminateInstances", site.blue.instance_ids[0], "cluster blue", "by script.py", "as "):
        assert part in denial
    assert "live-cluster/terminate" in denial
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  allow ", allowed)
    assert "cluster green" in allowed
    denied = [json.loads(line) for line in shell("log", "--denied", "--format", "json").stdout.splitlines()]
    (entry,) = denied
    assert entry["custom"]["sent"] is False
    whole = json.loads(shell("log", "--id", entry["decision_id"][:8]).stdout)
    assert whole == entry
    assert shell("log", "--last", "1").stdout.count("TerminateInstances") == 1


@pytest.mark.parametrize("command", [["log", "--id", "zzz"], ["policy", "explain", "zzz"]])
def test_an_unknown_decision(command, site, shell):
    """An unknown decision id is one sentence that names the log that was searched."""
    shell("run", "script.py", site.green.instance_ids[0])
    done = shell(*command)
    assert done.returncode == 2
    assert re.fullmatch(r"guardrails: \S+decisions.jsonl: no decision zzz; `guardrails log` lists them\n", done.stderr)


@pytest.mark.parametrize(("missing", "extra"), [("click", "cli"), ("rich", "cli"), ("moto", "demo")])
def test_missing_extra(shell, missing, extra):
    """Without its extra a command says what to install, in one line, with exit code 2."""
    code = f"import sys; sys.modules[{missing!r}] = None; from guardrails.cli import main; main()"
    command = [sys.executable, "-c", code, "demo"]
    done = subprocess.run(command, env=shell.env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(f"; pip install 'botocore-guardrails[{extra}]'\n")
    assert done.stderr.count("\n") == 1


def test_help_names_every_command(shell):
    """`--help` shows every command with a sentence, and the exit codes."""
    text = shell("--help").stdout
    for command in ("check", "demo", "live", "log", "run"):
        assert f"\n  {command}  " in text
    assert re.search(r"^ +3  blocked", text, re.MULTILINE)


def every_command(group=app, path=()):
    """(words, command) for `guardrails` and everything below it."""
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from every_command(group.get_command(context, name), (*path, name))


@pytest.mark.parametrize("words", [words for words, _ in every_command()], ids=" ".join)
def test_help_fits_80_columns(words):
    """At 80 columns no help has a line that is too long, a sentence that is cut off, or an escape of click's."""
    printed = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"}).stdout
    assert max(map(len, printed.splitlines())) <= 80
    assert "\\b" not in printed
    assert "\b" not in printed
    assert not re.search(r"^  .*\w\.\.\.$", printed, re.MULTILINE)


@pytest.mark.every(1)
def test_every_option_has_a_help():
    """No option is without a help."""
    assert not [
        (words, option.name)
        for words, command in every_command()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]


FLOATS = [
    (words, option)
    for words, command in every_command()
    for option in command.params
    if isinstance(option, click.Option) and isinstance(option.type, click.types.FloatParamType)
]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "soon"])
def test_what_is_no_number_is_wrong_usage(value):
    """Every option that takes a number refuses what is none with one sentence, also those that click would take."""
    assert ("run",) in {words for words, _ in FLOATS}
    for words, option in FLOATS:
        needed = [each for each in option_values(words) if each.partition("=")[0] not in option.opts]
        done = CliRunner().invoke(app, [*words, *needed, f"{option.opts[0]}={value}", "x"])
        assert (words, done.exit_code) == (words, 2), done.output
        assert option.opts[0] in done.output
        assert "number" in done.output or "range" in done.output
        assert done.output.count("Error: ") == 1


def option_values(words):
    """A value for each option that the command needs."""
    command = dict(every_command())[words]
    return [f"{each.opts[0]}=x" for each in command.params if isinstance(each, click.Option) and each.required]


@pytest.mark.every(1)
def test_config_is_the_same_everywhere():
    """Every command that reads a configuration, and its group, takes --config first and with the same help."""
    takes = {
        words: [option for option in command.params if option.name == "config"] for words, command in every_command()
    }
    without = {words for words, options in takes.items() if not options}
    assert without - {("docs",)} == {(), ("activate",), ("deactivate",), ("init",)}
    assert len({option.help for options in takes.values() for option in options}) == 1
    first = [next(option.name for option in command.params if isinstance(option, click.Option)) for words, command
             in every_command() if takes[words]]  # fmt: skip
    assert set(first) == {"config"}


@pytest.mark.parametrize(
    "words",
    [
        ["policy", "--config", "a.toml", "docs"],
        ["policy", "docs", "--config", "a.toml"],
        ["policy", "--config", "b.toml", "docs", "--config", "a.toml"],
        ["log", "--config", "a.toml"],
        ["log", "--config", "a.toml", "reconcile", "."],
        ["log", "reconcile", "--config", "a.toml", "."],
    ],
)
def test_config_of_the_group_and_of_the_command(words):
    """--config is accepted before and after the command's name; the one after it wins."""
    done = CliRunner().invoke(app, words)
    assert "a.toml" in done.stderr
    assert "b.toml" not in done.stderr
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["chekc"], "No such command 'chekc'; did you mean `check`?"),
        (["policy", "replya"], "No such command 'replya'; did you mean `replay`?"),
        (["log", "reconcil"], "No such command 'reconcil'; did you mean `reconcile`?"),
        (["policy", "zzzzzz"], "No such command 'zzzzzz'; the commands are build, check, compare"),
        (["live", "--profil", "x"], "--profile"),
        (["policy", "promote", "live-cluster/stopp"], "did you mean `live-cluster/stop`?"),
        (
            ["break-glass", "--reason", "x", "--rule", "live-cluster/stopp"],
            "there is no rule 'live-cluster/stopp'; did you mean `live-cluster/stop`?",
        ),
    ],
)
def test_a_typo(words, sentence):
    """A mistyped command, option or rule is answered with the one that was probably meant."""
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_another_owner_of_the_import_name(monkeypatch, capsys):
    """If another distribution overwrote our modules, one sentence names it and the way out."""
    monkeypatch.setattr(
        "guardrails.doctor.import_name.packages_distributions", lambda: {"guardrails": ["guardrails-ai"]}
    )
    monkeypatch.setitem(sys.modules, "guardrails.cli.app", None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "guardrails-ai also installs a package named guardrails" in capsys.readouterr().err


@pytest.mark.parametrize("value", ['["i-0abc"', "[i-0abc,i-0def]", '{"a": 1'])
def test_broken_json_is_no_id(shell, aws, value):
    """A parameter that begins like JSON and is not valid is an error, never an id."""
    done = shell("check", "ec2", "TerminateInstances", f"InstanceIds={value}")
    assert done.returncode == 2
    assert "not valid JSON" in done.stderr


def test_live_names_the_region(site, shell):
    """The answer says in which region it is."""
    assert shell("live").stdout.splitlines()[-1] == "region eu-west-1"

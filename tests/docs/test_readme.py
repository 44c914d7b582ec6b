"""What the README shows works as it stands: every block of code in it is run by a test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import guardrails
from guardrails.config.load import load
from guardrails.evaluate import bundle
from tests.process import test_activation, test_aws_cli
from tests.support.environments import ROOT
from tests.support.kernels import Kernel, shown
from tests.support.opa_servers import free_port

README = (bundle.shipped().parent / "README.md").read_text()
PICTURES = Path(__file__).parent.parent / "pictures"

# Where each block is run, by its language and the start of its first line.
RUN_BY = {
    ("bash", "python3 -m venv .venv && .venv/bin/pip install -q '.[demo]'"): ".ci/run",
    ("bash", "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]'"): ".ci/run",
    ("text", "Blocked before it reached AWS"): "test_what_a_blocked_script_says",
    ("python", "import guardrails"): "test_the_readmes_script_is_guarded",
    ("bash", "guardrails run script.py"): "test_run_and_activate",
    ("ini", "[plugins]"): "test_the_plugin",
    ("python", "with guardrails.break_glass("): "test_the_readmes_break_glass_runs",
    ("python", "%load_ext guardrails"): "test_the_notebooks_line",
    ("toml", "# guardrails.toml"): "test_the_readmes_configuration_loads",
    ("text", "Rule capacity/addresses"): "test_what_a_launch_without_room_says",
    ("python", "for task in guardrails.ramp("): "test_the_readmes_ramp_runs",
    ("rego", "package guardrails.weekend"): "test_the_readmes_policy_loads",
    ("bash", "guardrails policy build"): "test_an_opa_server",
    ("toml", 'engine = "opa"'): "test_an_opa_server",
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_block_is_run():
    """No block of code is in the README without something that runs it."""
    found = re.findall(r"^```(\w+)\n(.*?)$", README, re.MULTILINE)
    left = dict(RUN_BY)
    for language, line in found:
        (key,) = [key for key in left if key[0] == language and line.startswith(key[1])]
        where = left.pop(key)
        assert where in globals() or (ROOT / where).exists(), where
    assert not left


def test_every_picture_is_made_by_a_test():
    """The README shows the pictures that test_pictures.py makes, and no others."""
    shown = set(re.findall(r"tests/pictures/([\w-]+)\.png", README))
    assert shown == {file.stem for file in PICTURES.glob("*.png")}
    made = (
        (Path(__file__).parent.parent / "people" / "test_pictures.py")
        .read_text()
        .replace("card-{theme}", "card-light card-dark")
    )
    assert not [name for name in shown if name not in made]


def _plain(text):
    """Without line ends, and without what differs from run to run."""
    text = re.sub(r"(i|subnet)-[0-9a-f]+", r"\1-x", " ".join(text.split()))
    return re.sub(r"\d+\.\d+\.\d+\.\d+", "IP", re.sub(r"seen [\d.]+ s ago", "seen", text))


def test_what_a_blocked_script_says(aws, install):
    """The message of a blocked call is the README's."""
    (text,) = [block for block in blocks("text") if block.startswith("Blocked")]
    blue = aws.start_cluster("blue", 6, addresses=1)
    ec2 = aws.client("ec2")
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        ec2.terminate_instances(InstanceIds=list(blue.instance_ids[:2]))
    pattern = ".*".join(map(re.escape, _plain(text).split("…")))
    assert re.fullmatch(pattern, _plain(caught.value.paragraph))


def test_what_a_launch_without_room_says(aws, install):
    """The message of a launch that does not fit is the README's."""
    (text,) = [block for block in blocks("text") if block.startswith("Rule capacity")]
    small = aws.create_subnet("10.0.0.0/28")
    (there,) = aws.client("ec2").describe_subnets(SubnetIds=[small])["Subnets"]
    beside = {key: there[key] for key in ("VpcId", "AvailabilityZone")}
    aws.client("ec2").create_subnet(CidrBlock="10.0.1.0/24", **beside)
    aws.start_cluster("blue", 8, subnet=small, addresses=1)
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        aws.client("ec2").run_instances(
            ImageId="ami-12c6146b", MinCount=8, MaxCount=8, SubnetId=small, InstanceType="t3.micro"
        )
    said, wanted = (re.sub(r"has \d+ free", "has N free", _plain(one)) for one in (caught.value.paragraph, text))
    assert wanted in said


def test_run_and_activate(aws, site, tmp_path):
    """`guardrails run script.py --its --arguments` blocks the script; `activate` is test_activation's."""
    run_line, activate_line = blocks("bash")[2].splitlines()
    (tmp_path / "script.py").write_text(
        "import boto3, sys\nassert sys.argv[1:] == ['--its', '--arguments']\n"
        f"boto3.client('ec2').terminate_instances(InstanceIds=['{site.blue.instance_ids[0]}'])\n"
    )
    command = run_line.partition("#")[0].replace("guardrails run", f"{sys.executable} -m guardrails run")
    environment = {**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert not aws.count("TerminateInstances")
    assert activate_line.startswith("guardrails activate ")
    assert test_activation.test_an_activated_environment_is_guarded


def test_the_plugin():
    """The README's lines for the AWS CLI are those that test_aws_cli runs the CLI with."""
    (ini,) = blocks("ini")
    assert ini == test_aws_cli.PLUGIN


def test_the_notebooks_line(site, tmp_path):
    """The README's line installs the guard in a kernel."""
    (line,) = [block for block in blocks("python") if block.startswith("%")]
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    kernel = Kernel(tmp_path)
    try:
        assert "guardrails is on (mode enforce). blue is live" in shown(kernel.run(line)[0], "stdout")
    finally:
        kernel.end()


def test_an_opa_server(opa_on_path, site, aws, tmp_path, install, monkeypatch):
    """The README's commands build a bundle and start a server, which its configuration asks."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    port = str(free_port())
    (command,) = [block for block in blocks("bash") if "opa run" in block]
    (toml,) = [block for block in blocks("toml") if block.startswith("engine")]
    (tmp_path / "guardrails.toml").write_text("[log]\nenabled = false\n")
    guard = f"{sys.executable} -m guardrails policy" if not shutil.which("guardrails") else "guardrails policy"
    command = command.replace("8181", port).replace("guardrails policy", guard)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        ["bash", "-c", command], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            config = tomllib.loads(toml.replace("8181", port))
            for attempt in range(100):
                try:
                    install(**config)
                    break
                except guardrails.PolicyError:
                    assert attempt < 99
                    time.sleep(0.2)
            with pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"):
                site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    assert not aws.count("TerminateInstances")


def test_the_readmes_configuration_loads(tmp_path):
    """The README's guardrails.toml is accepted, and so is each line it shows commented out."""
    (toml,) = [block for block in blocks("toml") if "[live]" in block]
    file = tmp_path / "guardrails.toml"
    file.write_text(toml.replace("/var/log", str(tmp_path)))
    settings = load(file)
    assert settings.live.sources == ("eip", "tag")
    commented = re.search(r"^# (ssm_parameter.*)$", toml, re.MULTILINE)[1]
    for line in re.split(r"\s{2,}", commented):
        key = line.partition(" = ")[0]
        source = key.removesuffix("_parameter")
        file.write_text(f'[live]\nsources = ["{source}"]\n{line}\n')
        assert load(file).live.sources == (source,)


def test_the_readmes_policy_loads(tmp_path):
    """The README's policy passes the checks at load."""
    (rego,) = blocks("rego")
    (tmp_path / "weekend.rego").write_text(rego)
    guardrails.Guard.from_config({"policies": [str(tmp_path)], "log": {"enabled": False}})


def test_the_readmes_script_is_guarded(site, aws, tmp_path, monkeypatch):
    """The README's two lines guard a script."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    lines, _, _, _ = blocks("python")
    try:
        exec(lines, {})
        with pytest.raises(guardrails.CallDenied):
            site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    finally:
        guardrails.uninstall()
    assert aws.count("TerminateInstances") == 0


def test_the_readmes_break_glass_runs(site, aws, install):
    """The README's break glass lets the call pass, once."""
    _, lines, _, _ = blocks("python")
    install()
    names = {"guardrails": guardrails, "ec2": site.ec2, "machine": site.blue.instance_ids[0]}
    exec(lines, names)
    assert aws.count("StopInstances") == 1


def test_the_readmes_ramp_runs():
    """The README's ramp starts every task."""
    _, _, _, lines = blocks("python")
    started = []
    names = {"guardrails": guardrails, "tasks": range(7), "database_is_well": lambda: True, "start": started.append}
    exec(lines.replace("interval_s=10", "interval_s=0"), names)
    assert started == list(range(7))

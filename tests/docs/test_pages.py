"""What the README and the pages of guardrails/docs show works: a test runs every block of code in them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.testing.shop import open_shop
from tests.engines.test_signing import key_files
from tests.process import test_activation, test_aws_cli
from tests.rebuild.world import Clock, start
from tests.support import other_user
from tests.support.environments import ROOT
from tests.support.kernels import Kernel, shown
from tests.support.opa_servers import free_port
from tests.support.waiting import until

PAGES = {
    "README": ROOT / "README.md",
    **{file.stem: file for file in sorted((ROOT / "guardrails" / "docs").glob("*.md"))},
}
PICTURES = ROOT / "tests" / "pictures"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

# The test of each block: page, language and start of the first line. The configuration page has its own test.
RUN_BY = {
    ("README", "bash", "python3 -m venv .venv && .venv/bin/pip install -q '.[demo]'"): ".ci/run",
    ("README", "bash", "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]'"): ".ci/run",
    ("README", "python", "import guardrails"): "test_the_two_lines_guard_a_script",
    ("README", "text", "Blocked before it reached AWS"): "test_what_a_blocked_script_says",
    ("README", "toml", 'mode = "warn"'): "test_the_readmes_configuration_loads",
    ("README", "rego", "package guardrails.database"): "test_the_readmes_policy",
    ("README", "console", "$ guardrails check"): "test_the_readmes_policy",
    ("start", "bash", "python3 -m venv .venv"): "test_the_first_five_commands",
    ("start", "bash", "eval"): "test_the_first_five_commands",
    ("start", "bash", "guardrails init"): "test_the_first_five_commands",
    ("start", "text", "2 clusters:"): "test_the_first_five_commands",
    ("start", "bash", "echo 'import boto3"): "test_the_first_five_commands",
    ("start", "bash", "guardrails run retire.py $BLUE"): "test_the_first_five_commands",
    ("start", "text", "Blocked before it reached AWS:"): "test_the_first_five_commands",
    ("start", "bash", "guardrails run retire.py $GREEN"): "test_the_first_five_commands",
    ("start", "text", "terminated:"): "test_the_first_five_commands",
    ("start", "bash", "guardrails run retire.py $BOX"): "test_the_first_five_commands",
    ("start", "text", "Blocked before it reached AWS, because"): "test_the_first_five_commands",
    ("running", "python", "import guardrails"): "test_the_two_lines_guard_a_script",
    ("running", "bash", "# A script,"): "test_run_and_activate",
    ("running", "ini", "[plugins]"): "test_the_plugin",
    ("running", "python", "%load_ext guardrails"): "test_the_notebooks_line",
    ("running", "toml", "[live]"): "test_the_sources_load",
    ("running", "toml", "# Functions"): "test_clusters_without_machines_load",
    ("running", "toml", "cluster_tags ="): "test_the_clusters_load",
    ("running", "python", "reason, rules ="): "test_break_glass_runs",
    ("running", "toml", "[params.approvals]"): "test_a_second_person_approves",
    ("running", "bash", "guardrails approve"): "test_a_second_person_approves",
    ("running", "python", "from guardrails.testing"): "test_the_simulated_aws_runs",
    ("gradual", "python", "web = guardrails"): "test_ramp_runs",
    ("gradual", "toml", "waves ="): "test_waves_run",
    ("gradual", "python", "for batch in guardrails.waves("): "test_waves_run",
    ("gradual", "python", "for task in guardrails.ramp("): "test_ramp_runs",
    ("running", "bash", "guardrails freeze"): "test_the_freezes_begin_and_end",
    ("running", "bash", "guardrails cutover plan"): "test_the_cutover_commands",
    ("running", "toml", "[[notify]]"): "test_the_places_for_notices_load",
    ("running", "toml", "[state]"): "test_the_fleet_loads",
    ("running", "text", "Rule capacity/addresses"): "test_what_a_launch_without_room_says",
    ("running", "toml", "[log]\nsink ="): "test_the_sink_loads",
    ("running", "toml", '[log]\npath = "-"'): "test_without_files",
    ("commands", "bash", 'eval "$(_GUARDRAILS_COMPLETE'): "test_shell_completion",
    ("plans", "bash", "guardrails run --plan"): "process/test_plan_run.py",
    ("plans", "python", "with guardrails.plan()"): "process/test_plan_run.py",
    ("commands", "bash", "guardrails rebuild snapshot"): "test_a_lost_cluster_comes_back",
    ("commands", "text", "6 machines, 2 calls"): "test_a_lost_cluster_comes_back",
    ("opa", "bash", "guardrails policy build"): "test_an_opa_server",
    ("opa", "toml", 'engine = "opa"'): "test_an_opa_server",
    ("opa", "toml", "[opa]\nurls"): "test_several_opa_servers",
    ("opa", "toml", "policies = ["): "test_policies_from_s3",
    ("team", "bash", "python3 -m venv"): "docs/test_team_page.py",
    ("team", "bash", "mkdir team"): "docs/test_team_page.py",
    ("team", "bash", "cat > buckets.py"): "docs/test_team_page.py",
    ("team", "bash", "mkdir rules"): "docs/test_team_page.py",
    ("team", "bash", "cat > guardrails.toml"): "docs/test_team_page.py",
    ("team", "text", "s3://team-rules"): "docs/test_team_page.py",
    ("team", "bash", "guardrails state init"): "docs/test_team_page.py",
    ("team", "bash", "mkdir bastion"): "docs/test_team_page.py",
    ("team", "text", "A second person"): "docs/test_team_page.py",
    ("team", "bash", "on runner requests"): "docs/test_team_page.py",
    ("team", "text", "Approved by"): "docs/test_team_page.py",
    ("team", "bash", "on bastion run retire.py $BOX"): "docs/test_team_page.py",
    ("team", "text", "terminated:"): "docs/test_team_page.py",
    ("team", "bash", "on runner run"): "docs/test_team_page.py",
    ("team", "text", "terminates 3"): "docs/test_team_page.py",
    ("team", "bash", "guardrails log s3"): "docs/test_team_page.py",
    ("team", "text", "approved by"): "docs/test_team_page.py",
    ("team", "bash", "opa run"): "docs/test_team_page.py",
    ("team", "text", "Blocked before"): "docs/test_team_page.py",
    ("backstop", "bash", "guardrails backstop plan"): "docs/test_backstop_page.py",
    ("backstop", "bash", "guardrails backstop policy"): "docs/test_backstop_page.py",
    ("release", "bash", "python -m tests.release.lock"): "release/test_release_page.py",
    ("release", "bash", "python -m tests.release.build"): "release/test_build.py",
    ("release", "bash", "git config gpg.format"): "release/test_release_page.py",
    ("release", "bash", "git config gpg.ssh"): "release/test_release_page.py",
    ("release", "dockerfile", "FROM"): "process/test_packaging.py",
    ("release", "yaml", "schema_version"): "release/test_release_page.py",
    ("release", "yaml", "repos:"): "release/test_release_page.py",
    ("release", "yaml", "on:"): "release/test_release_page.py",
    ("agents", "console", "$ guardrails check"): "test_json_for_agents",
    ("agents", "python", "try:"): "test_exceptions_for_agents",
}


def blocks(page):
    """(language, text) of each block of code; an indented one without its indentation."""
    found = BLOCK.findall(PAGES[page].read_text("utf-8"))
    return [(language, textwrap.dedent(text)) for _, language, text in found]


def block(page, language, start):
    """The block of a page with this language that starts like this."""
    (text,) = [text for kind, text in blocks(page) if kind == language and text.startswith(start)]
    return text


def test_every_block_is_run():
    """Every block of code on every page has a test that runs it, and no fence is missed."""
    left = dict(RUN_BY)
    for page in PAGES.keys() - {"configuration"}:
        assert len(blocks(page)) * 2 == PAGES[page].read_text("utf-8").count("```"), page
        for language, text in blocks(page):
            (key,) = [key for key in left if key[:2] == (page, language) and text.startswith(key[2])]
            place = left.pop(key)
            # `guardrails docs` shows the pages at terminals of 80 columns.
            assert page == "README" or max(map(len, text.splitlines())) <= 78, text
            assert place in globals() or any((folder / place).exists() for folder in (ROOT, ROOT / "tests")), place
    assert not left


def test_every_picture_is_made_by_a_test():
    """The pages show pictures that test_pictures.py makes; the README shows one; none is unused."""
    shown = {page: set(re.findall(r"tests/pictures/([\w-]+)\.png", file.read_text())) for page, file in PAGES.items()}
    assert shown["README"] == {"demo"}
    every = set().union(*shown.values())
    assert every == {file.stem for file in PICTURES.glob("*.png")} - {"card-light"}
    made = (ROOT / "tests" / "people" / "test_pictures.py").read_text().replace("card-{theme}", "card-light card-dark")
    assert not [name for name in every if name not in made]


def test_every_link_leads_somewhere():
    """A link on a page names a file of the checkout."""
    for page, file in PAGES.items():
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read_text("utf-8")):
            assert (file.parent / link).exists(), (page, link)


def test_the_readme_is_short():
    """The README has at most 1,000 words and names every page."""
    text = PAGES["README"].read_text("utf-8")
    assert len(text.split()) <= 1000
    assert all(f"]({Path('guardrails/docs') / name}.md)" in text for name in PAGES.keys() - {"README", "index"})


def _plain(text):
    """Without line ends, ids, addresses and ages, which differ from run to run."""
    text = re.sub(r"(i|subnet)-[0-9a-f]+", r"\1-x", " ".join(text.split()))
    return re.sub(r"\d+\.\d+\.\d+\.\d+", "IP", re.sub(r"seen [\d.]+ s ago", "seen", text))


def test_the_first_five_commands(tmp_path):
    """Pasted into one empty shell, each command prints what the page shows after it; the server ends with the shell.

    The installation is .ci/run's to try: here the running environment stands for it.
    """
    steps = blocks("start")
    install, *commands = [text for language, text in steps if language == "bash"]
    assert install == "python3 -m venv .venv && . .venv/bin/activate && pip install -q '.[demo]'\n"
    assert [*map(len, (commands[:4], commands[4:]))] == [4, 2]
    marked = "".join(f"{command}echo '' ; echo '--- next'\n" for command in commands)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    empty = {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT)}
    script = f"{marked}echo $AWS_ENDPOINT_URL"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=empty, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=True,
    )  # fmt: skip
    *printed, endpoint = done.stdout.split("--- next\n")
    shown = [steps[number + 1][1] if steps[number + 1 :][:1] and steps[number + 1][0] == "text" else ""
             for number, (language, _) in enumerate(steps) if language == "bash"][1:]  # fmt: skip
    for command, output, wanted in zip(commands, printed, shown, strict=True):
        assert "Traceback" not in output, output
        assert " ".join(wanted.split()) in " ".join(output.split()), command
    until(lambda: not _listens(int(endpoint.strip().rpartition(":")[2])))


def _listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_what_a_blocked_script_says(aws, install):
    """The message of a blocked call is the README's."""
    text = block("README", "text", "Blocked")
    blue = aws.start_cluster("blue", 6, addresses=1)
    ec2 = aws.client("ec2")
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        ec2.terminate_instances(InstanceIds=list(blue.instance_ids[:2]))
    assert _matches(_plain(text), _plain(caught.value.paragraph))


def test_what_a_launch_without_room_says(aws, install):
    """The message of a launch that does not fit is the page's."""
    text = block("running", "text", "Rule capacity")
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
    message, wanted = (re.sub(r"has \d+ free", "has N free", _plain(part)) for part in (caught.value.paragraph, text))
    assert wanted in message


def test_run_and_activate(aws, site, tmp_path):
    """`guardrails run script.py --its --arguments` blocks the script; `activate` is test_activation's."""
    run_line, activate_line = block("running", "bash", "# A script").splitlines()[1::2]
    (tmp_path / "script.py").write_text(
        "import boto3, sys\nassert sys.argv[1:] == ['--its', '--arguments']\n"
        f"boto3.client('ec2').terminate_instances(InstanceIds=['{site.blue.instance_ids[0]}'])\n"
    )
    command = run_line.replace("guardrails run", f"{sys.executable} -m guardrails run")
    environment = {**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert not aws.count("TerminateInstances")
    assert activate_line == "guardrails activate"
    assert test_activation.test_an_activated_environment_is_guarded


def test_the_plugin():
    """The page's lines for the AWS CLI are those that test_aws_cli runs the CLI with."""
    assert block("running", "ini", "[plugins]") == test_aws_cli.PLUGIN


def test_the_notebooks_line(site, tmp_path):
    """The page's line installs the guard in a kernel."""
    line = block("running", "python", "%")
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    kernel = Kernel(tmp_path)
    try:
        assert "guardrails is on (mode enforce). blue is live" in shown(kernel.run(line)[0], "stdout")
    finally:
        kernel.end()


def test_an_opa_server(opa_on_path, site, aws, tmp_path, install, monkeypatch):
    """The page's commands build a bundle and start a server, and its configuration uses that server."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    port = str(free_port())
    command, toml = block("opa", "bash", "guardrails policy build"), block("opa", "toml", "engine")
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


def test_several_opa_servers(tmp_path):
    """The page's two servers and their fallback are accepted, in the order in which they are asked."""
    file = tmp_path / "guardrails.toml"
    file.write_text('engine = "opa"\n' + block("opa", "toml", "[opa]"))
    opa = load(file).opa
    assert [url.split("//")[1] for url in opa.addresses] == ["opa-1.internal:8181", "opa-2.internal:8181"]
    assert opa.fallback == "embedded"


def test_policies_from_s3(site, aws, tmp_path, monkeypatch):
    """A signed bundle in the page's bucket guards under the page's configuration."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    private, public = key_files(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    public.rename(tmp_path / "public.pem")
    file = tmp_path / "guardrails.toml"
    file.write_text("")
    bundle = tmp_path / "bundle.tar.gz"
    command = ["policy", "--config", str(file), "build", "-o", str(bundle), "--signing-key", str(private)]
    built = CliRunner().invoke(app, command)
    assert built.exit_code == 0, built.output
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="example-rules", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="example-rules", Key="bundle.tar.gz", Body=bundle.read_bytes())
    file.write_text(block("opa", "toml", "policies"))
    guardrails.install(str(file))
    try:
        with pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"):
            site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    finally:
        guardrails.uninstall()
    assert aws.count("TerminateInstances") == 1


def test_the_readmes_configuration_loads(tmp_path):
    """The README's guardrails.toml is accepted."""
    file = tmp_path / "guardrails.toml"
    file.write_text(block("README", "toml", "mode"))
    settings = load(file)
    assert (settings.mode, settings.live.sources) == ("warn", ("eip", "tag"))


def test_the_clusters_load():
    """The page's clusters are a valid configuration, whose tags count in that order."""
    settings = load(tomllib.loads(block("running", "toml", "cluster_tags =")))
    assert settings.cluster_keys == ("Cluster", "Service")
    assert settings.clusters == {"blue": ("asg/web-blue", "asg/worker-blue", "stack/shop-blue")}


def test_the_fleet_loads():
    """The configuration of many hosts is a valid one."""
    assert load(tomllib.loads(block("running", "toml", "[state]"))).state.hosts == 8


def test_the_freezes_begin_and_end(tmp_path, monkeypatch):
    """The page's commands freeze twice and lift both."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guardrails.toml").write_text('[state]\npath = "state.db"\n')
    commands = [shlex.split(line) for line in block("running", "bash", "guardrails freeze").splitlines()]
    *_, lifted = [CliRunner().invoke(app, command[1:], catch_exceptions=False) for command in commands]
    assert "It was for: INC-42: ann is the only one to act; holidays" in lifted.stdout


def test_the_cutover_commands(site, tmp_path, monkeypatch):
    """Each command of the page does what the page says: blue is live, and green lacks a machine."""
    monkeypatch.chdir(tmp_path)
    config = '[log]\npath = "decisions.jsonl"\n[state]\npath = "state.db"\n[live]\nsources = ["eip"]\n'
    (tmp_path / "guardrails.toml").write_text(config)
    commands = [shlex.split(line) for line in block("running", "bash", "guardrails cutover plan").splitlines()]
    ended = [CliRunner().invoke(app, command[1:]) for command in commands]
    assert [each.exit_code for each in ended] == [1, 1, 0, 2, 2], [each.output for each in ended]
    assert all("green is large enough" in each.output for each in ended[:2])
    assert "there was no cutover here" in ended[2].output


def test_a_lost_cluster_comes_back(aws, tmp_path, monkeypatch):
    """The page's three commands: what is kept, what the plan says, and six machines again after all were lost."""
    (tmp_path / "guardrails.toml").write_text('max_fact_age_s = 60\n[log]\npath = "log.jsonl"\n')
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    for module in ("guardrails.cli.rebuild_run", "guardrails.enforce.pacing.turn"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=clock, sleep=clock.sleep))
    aws.reply("GetServiceQuota", '{"Quota": {"Value": 1000.0}}')
    ids = start(aws, "web-blue", 6, aws.create_subnet("10.0.0.0/24"))
    keep, *others = [shlex.split(line)[1:] for line in block("commands", "bash", "guardrails rebuild").splitlines()]
    assert CliRunner().invoke(app, keep, catch_exceptions=False).exit_code == 0
    aws.client("ec2").terminate_instances(InstanceIds=ids)
    planned, _ = [CliRunner().invoke(app, command, catch_exceptions=False) for command in others]
    assert planned.stdout.startswith(block("commands", "text", "6 machines, 2 calls").strip())
    assert aws.running("web-blue") == 6


def test_the_places_for_notices_load():
    """The four places of the page are accepted."""
    places = load(tomllib.loads(block("running", "toml", "[[notify]]"))).notify
    assert [place.to for place in places] == ["webhook", "eventbridge", "sns", "command"]


def test_the_sink_loads():
    """The configuration of an uploaded log is a valid one."""
    log = load(tomllib.loads(block("running", "toml", "[log]\nsink ="))).log
    assert (log.sink, log.fsync, log.upload) == ("s3://example-logs/guardrails", "each", True)


def test_the_sources_load(tmp_path):
    """The page's [live] is accepted, and so is each source that it shows as a comment."""
    toml = block("running", "toml", "[live]")
    file = tmp_path / "guardrails.toml"
    file.write_text(toml)
    assert load(file).live.sources == ("eip", "tag")
    commented = re.search(r"^# (ssm_parameter.*)$", toml, re.MULTILINE)[1]
    for line in re.split(r"\s{2,}", commented):
        key = line.partition(" = ")[0]
        source = key.removesuffix("_parameter")
        file.write_text(f'[live]\nsources = ["{source}"]\n{line}\n')
        assert load(file).live.sources == (source,)


def test_clusters_without_machines_load(tmp_path):
    """The page's [live] of a shop of functions is accepted."""
    (tmp_path / "guardrails.toml").write_text(block("running", "toml", "# Functions"))
    assert load(tmp_path / "guardrails.toml").live.without_machines == ("blue", "green")


def _matches(shown, output):
    """Whether the output is what a page shows, where … stands for anything."""
    wanted = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", shown.rstrip("\n")))
    return re.fullmatch(wanted, output.rstrip("\n"), re.DOTALL)


def _guardrails(aws, folder, *arguments):
    """Run `guardrails …` in a folder, against the simulated AWS."""
    environment = {**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    command = [sys.executable, "-m", "guardrails", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _run_console(aws, folder, text, machine):
    """Run the `$` line of a console block, about this machine; returns the exit code."""
    first, _, shown = text.replace(re.search(r"i-0\w\w\b", text)[0], machine).partition("\n")
    done = _guardrails(aws, folder, *first.removeprefix("$ guardrails ").split())
    assert _matches(shown, done.stdout), done.stdout + done.stderr
    return done.returncode


def test_the_readmes_policy(aws, tmp_path):
    """The README's rule, in the file that it names, gives the README's output."""
    (name,) = re.findall(r"`(my-policies/[^`]+)`", PAGES["README"].read_text("utf-8"))
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(block("README", "rego", "package"))
    (tmp_path / "guardrails.toml").write_text('policies = ["my-policies"]\n[log]\nenabled = false\n')
    aws.start_cluster("blue", 1, addresses=1)
    machine = aws.start_cluster("green", 2, tags={"Role": "database"}).instance_ids[0]
    assert _run_console(aws, tmp_path, block("README", "console", "$"), machine) == 3


def test_json_for_agents(site, aws, tmp_path):
    """The JSON of `guardrails check` is what the page for agents shows, with the fields that it lists."""
    (tmp_path / "guardrails.toml").write_text("[log]\nenabled = false\n")
    machine = site.blue.instance_ids[0]
    assert _run_console(aws, tmp_path, block("agents", "console", "$"), machine) == 3
    table = PAGES["agents"].read_text("utf-8").split("## JSON")[1].split("## Exceptions")[0]
    check = ("ec2", "TerminateInstances", f"InstanceIds={machine}")
    for command in ("check", "live"):
        (row,) = re.findall(rf"^\| `{command}` \| (.*) \|$", table, re.MULTILINE)
        done = _guardrails(aws, tmp_path, command, *(check if command == "check" else ()), "--format", "json")
        document = json.loads(done.stdout)
        inner = (document.get("violations") or document["sources"])[0]
        values = {"allow", "warn", "confirm", "deny"}
        assert set(re.findall(r"`(\w+)`", row)) - values <= {*document, *inner}


def test_exceptions_for_agents(site, aws, install):
    """The page's handlers get each violation of a denial, and the reason where the guard could not decide."""
    code, reports = block("agents", "python", "try"), []
    install()
    names = {"guardrails": guardrails, "ec2": site.ec2, "report": lambda *line: reports.append(line)}
    exec(code, {**names, "ids": list(site.blue.instance_ids[:1])})
    assert reports[0][:2] == ("live-cluster/terminate", site.blue.instance_ids[0])
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "not allowed")
    reports.clear()
    guardrails.uninstall()
    install()
    exec(code, {**names, "ids": list(site.blue.instance_ids[:1])})
    assert reports[0][0] == "the guard could not decide"
    assert "DescribeAddresses" in reports[0][1]


def test_shell_completion(tmp_path):
    """The page's line gives bash a completion that knows the commands."""
    line = block("commands", "bash", "eval").strip()
    script = f"{line}\ncomplete -p guardrails\n"
    words = "COMP_WORDS='guardrails doc' COMP_CWORD=1 _GUARDRAILS_COMPLETE=bash_complete guardrails\n"
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs}
    done = subprocess.run(
        ["bash", "-c", script + words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "complete -o nosort -F _guardrails_completion guardrails" in done.stdout, done.stderr
    assert {"plain,docs", "plain,doctor"} <= set(done.stdout.split())


@pytest.mark.parametrize("page", ["README", "running"])
def test_the_two_lines_guard_a_script(site, aws, tmp_path, monkeypatch, page):
    """The two lines guard a script."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    try:
        exec(block(page, "python", "import guardrails"), {})
        with pytest.raises(guardrails.CallDenied):
            site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    finally:
        guardrails.uninstall()
    assert aws.count("TerminateInstances") == 0


def test_the_simulated_aws_runs(capsys):
    """The block about trying a script blocks the call, and counts that nothing arrived."""
    exec(block("running", "python", "from guardrails.testing"), {"guardrails": guardrails})
    assert "Blocked before it reached AWS: TerminateInstances" in capsys.readouterr().out


def test_without_files(site, install, capfd):
    """With the page's lines the log goes to standard error, and a call is still judged by those before it."""
    install(**tomllib.loads(block("running", "toml", "[log]\npath =")))
    with pytest.raises(guardrails.CallDenied):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert json.loads(capfd.readouterr().err.splitlines()[0])["custom"]["enforcement"] == "deny"


def test_break_glass_runs(site, aws, install):
    """The page's break glass lets the call pass, once."""
    install()
    names = {"guardrails": guardrails, "ec2": site.ec2, "machine": site.blue.instance_ids[0]}
    exec(block("running", "python", "reason, rules ="), names)
    assert aws.count("StopInstances") == 1


def test_a_second_person_approves(site, aws, install):
    """With the page's configuration another user runs the page's command, and the call arrives."""
    terms = tomllib.loads(block("running", "toml", "[params.approvals]"))["params"]["approvals"]
    terms["live-cluster/terminate"]["by"] = [name.replace("alice", other_user.name()) for name in ("alice", "bob")]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "guardrails.toml").write_text(f'approval_folder = "{folder}/asked"\n')
        install(approval_folder=f"{folder}/asked", params={"approvals": terms})
        with pytest.raises(guardrails.CallDenied) as caught:
            site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
        command = block("running", "bash", "guardrails approve").replace(
            "3f2a9c01de", caught.value.decision.approval.id
        )
        words = [*shlex.split(command)[1:], "--config", f"{folder}/guardrails.toml"]
        CliRunner().invoke(app, ["approve", "--help"])
        said = other_user.act(lambda: CliRunner().invoke(app, words).output)
        assert "may make this call once, until" in said
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_ramp_runs(aws, tmp_path, monkeypatch):
    """The page's checks are healthy where all is well, and then its ramp starts every task."""
    open_shop(aws)
    cloudwatch, elbv2 = aws.client("cloudwatch"), aws.client("elbv2")
    cloudwatch.put_metric_alarm(
        AlarmName="checkout-errors", MetricName="5xx", Namespace="web", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName="checkout-errors", StateValue="OK", StateReason="all is well")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smoke-test").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "smoke-test").chmod(0o755)
    started: list[int] = []
    group = elbv2.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    names = {"guardrails": guardrails, "tasks": range(7), "start": started.append, "TARGET_GROUP": group}
    exec(block("gradual", "python", "web = guardrails"), names)
    assert names["health"], names["health"].why
    exec(
        block("gradual", "python", "for task in guardrails.ramp").replace(
            "healthy=well,", "healthy=well, interval_s=0,"
        ),
        names,
    )
    assert started == list(range(7))


def test_waves_run(aws, site, install):
    """With the page's configuration a call for two machines is denied, and the page's loop ends them."""
    config = tomllib.loads(block("gradual", "toml", "waves ="))
    install(**config, live={"eip_addresses": list(site.blue.public_ips)})
    ids = list(site.green.instance_ids)
    with pytest.raises(guardrails.CallDenied, match="waves/size"):
        site.ec2.terminate_instances(InstanceIds=ids)
    guardrails.uninstall()
    install(**{**config, "wave_pause_s": 0.01, "wave_checks": []}, live={"eip_addresses": list(site.blue.public_ips)})
    exec(block("gradual", "python", "for batch in"), {"guardrails": guardrails, "ids": ids, "ec2": site.ec2})
    assert aws.count("TerminateInstances") == len(ids)

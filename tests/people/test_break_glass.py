"""Break glass: named rules, for a reason, for minutes, in the open; everything else goes on blocking."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import guardrails
from guardrails import decider, pipeline
from guardrails.cli.app import app
from guardrails.enforce.break_glass.grant import ENVIRONMENT, environment_value
from guardrails.values import rfc3339

STOP = ["live-cluster/stop"]


def blue(site):
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])


def last(log):
    return json.loads(log.read_text().splitlines()[-1])


@pytest.fixture
def broken(monkeypatch):
    """broken(rules, seconds): GUARDRAILS_BREAK_GLASS for rules, until so many seconds from now."""

    def give(rules=STOP, seconds=600.0, reason="INC-42"):
        monkeypatch.setenv(ENVIRONMENT, environment_value(reason, rules, time.time() + seconds))

    return give


def test_inside_the_with_only(site, aws, install, log, caplog):
    """A named rule lets the call pass inside the `with`, said to everybody and in the log, and blocks after it."""
    install()
    with guardrails.break_glass(reason="INC-42: disk full", rules=STOP, minutes=5) as glass:
        blue(site)
    assert aws.count("StopInstances") == 1
    entry = last(log)
    told = entry["input"]["break_glass"]
    assert (told["reason"], told["rules"], told["source"]) == ("INC-42: disk full", STOP, "code")
    assert entry["custom"]["sent"]
    assert {one["rule"]: one["action"] for one in entry["result"]["violations"]} == {"live-cluster/stop": "warn"}
    assert glass.until - glass.opened_at == pytest.approx(300)
    said = " ".join(record.message for record in caplog.records)
    assert "break glass: live-cluster/stop set aside until" in said
    assert "Break glass is in force for live-cluster/stop: INC-42: disk full." in said
    with pytest.raises(guardrails.CallDenied):
        blue(site)
    assert aws.count("StopInstances") == 1
    assert last(log)["input"]["break_glass"] is None


def test_other_rules_go_on_blocking(site, aws, install):
    """A rule that is not named still blocks."""
    install()
    with (
        guardrails.break_glass(reason="INC-42", rules=STOP),
        pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"),
    ):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert not aws.count("TerminateInstances")


def test_other_threads_go_on_being_guarded(site, aws, install):
    """What somebody set aside in one thread is not set aside in another."""
    install()
    seen = []

    def other():
        try:
            blue(site)
        except guardrails.CallDenied as error:
            seen.append(error)

    with guardrails.break_glass(reason="INC-42", rules=STOP):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(seen) == 1
    assert not aws.count("StopInstances")


def test_time_ends_it_inside_the_with(site, aws, install):
    """After its minutes a glass is whole again, though the `with` has not ended."""
    install()
    with guardrails.break_glass(reason="INC-42", rules=STOP, minutes=0.01):
        time.sleep(0.7)
        with pytest.raises(guardrails.CallDenied):
            blue(site)
    assert not aws.count("StopInstances")


def _task(site):
    """Started inside, run later."""

    async def later(inside):
        await inside.wait()
        blue(site)

    async def main():
        inside = asyncio.Event()
        with guardrails.break_glass(reason="INC-42", rules=STOP):
            task = asyncio.create_task(later(inside))
            await asyncio.sleep(0)
        inside.set()
        await task

    asyncio.run(main())


def _copied(site):
    """Run in a copy of the context of inside."""
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        context = contextvars.copy_context()
    context.run(blue, site)


def _async_generator(site):
    """Left in the middle of it."""

    async def inside():
        with guardrails.break_glass(reason="INC-42", rules=STOP):
            yield

    async def main():
        async for _ in (generator := inside()):
            break
        await generator.aclose()
        blue(site)

    asyncio.run(main())


def _exception(site):
    """Left by an exception."""
    with contextlib.suppress(ValueError), guardrails.break_glass(reason="INC-42", rules=STOP):
        raise ValueError
    blue(site)


@pytest.mark.parametrize("way", [_task, _copied, _async_generator, _exception])
def test_nothing_outlives_the_with(way, site, aws, install):
    """Whatever took the context of the inside along is judged by every rule once the `with` has ended."""
    install()
    with pytest.raises(guardrails.CallDenied):
        way(site)
    assert not aws.count("StopInstances")


def test_a_task_that_is_awaited_inside(site, aws, install):
    """A task that is started and awaited inside is inside."""
    install()

    async def call():
        blue(site)

    async def main():
        with guardrails.break_glass(reason="INC-42", rules=STOP):
            await asyncio.gather(call())

    asyncio.run(main())
    assert aws.count("StopInstances") == 1


def test_a_forked_child_is_outside(site, aws, install):
    """A process that is forked inside is judged by every rule."""
    install()
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        child = multiprocessing.get_context("fork").Process(target=blue, args=(site,))
        child.start()
        child.join(60)
    assert child.exitcode == 1
    assert not aws.count("StopInstances")


def test_both_at_once(site, aws, install, log, broken):
    """Inside a `with` the environment's rules stay set aside, too, and the log has both reasons."""
    broken(rules=["live-cluster/terminate"], reason="INC-41")
    install()
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        blue(site)
        told = last(log)["input"]["break_glass"]
    assert told["reason"] == "INC-42; INC-41"
    assert told["rules"] == ["live-cluster/stop", "live-cluster/terminate"]
    assert aws.count("StopInstances") == 1


def test_a_second_one_after_the_first_ones_time(site, aws, install):
    """When the minutes of a glass are over another may be broken inside its `with`."""
    install()
    with guardrails.break_glass(reason="INC-42", rules=STOP, minutes=0.01):
        time.sleep(0.7)
        with guardrails.break_glass(reason="INC-42, still", rules=STOP):
            blue(site)
    assert aws.count("StopInstances") == 1


def test_a_look_up_that_fails_still_blocks(site, aws, install, log):
    """No glass helps where the guard does not know what a call would hit; the log still has the reason."""
    install()
    aws.answer("DescribeInstances", 503, "Unavailable", "no")
    with guardrails.break_glass(reason="INC-42", rules=STOP), pytest.raises(guardrails.GuardUnavailable):
        blue(site)
    assert not aws.count("StopInstances")
    assert last(log)["input"]["break_glass"]["reason"] == "INC-42"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"reason": " ", "rules": STOP}, "the reason is missing"),
        ({"reason": "x", "rules": []}, "no rule is named"),
        ({"reason": "x", "rules": ["live-cluster/stopp"]}, "there is no rule 'live-cluster/stopp'"),
        ({"reason": "x", "rules": ["live-cluster/empty-selector"]}, "is unbreakable"),
        ({"reason": "x", "rules": STOP, "minutes": 90}, "60 are allowed"),
        ({"reason": "x", "rules": STOP, "minutes": 0}, "must be a number above 0"),
        ({"reason": "x", "rules": STOP, "minutes": True}, "must be a number above 0"),
        ({"reason": "x", "rules": STOP, "minutes": 10**400}, "60 are allowed"),
        ({"reason": "x", "rules": STOP, "minutes": float("inf")}, "60 are allowed"),
        ({"reason": "x", "rules": None}, "no rule is named"),
        ({"reason": "x", "rules": [["a"]]}, "no rule is named"),
        ({"reason": "x", "rules": STOP, "minutes": float("nan")}, "must be a number above 0"),
    ],
)
def test_refused(options, sentence, site, aws, install):
    """A glass that lacks something is refused with a sentence, and the body of the `with` is not run."""
    install()
    with pytest.raises(guardrails.BreakGlassRefused, match=sentence), guardrails.break_glass(**options):
        blue(site)
    assert not aws.count("StopInstances")


def test_no_second_glass_and_none_without_a_guard(install):
    """Inside a `with` a second one is refused, and so is one where no guard is installed."""
    with pytest.raises(guardrails.BreakGlassRefused, match="no guard is installed"):
        guardrails.break_glass(reason="x", rules=STOP)
    install()
    with (
        guardrails.break_glass(reason="x", rules=STOP),
        pytest.raises(guardrails.BreakGlassRefused, match="already broken here"),
        guardrails.break_glass(reason="x", rules=STOP),
    ):
        pass


def test_the_environment_sets_aside_until_its_time(site, aws, install, log, broken, monkeypatch):
    """GUARDRAILS_BREAK_GLASS sets rules aside for a whole program, until the time it names."""
    broken(seconds=20)
    install()
    blue(site)
    assert aws.count("StopInstances") == 1
    assert last(log)["input"]["break_glass"]["source"] == ENVIRONMENT
    # Half a minute later, as calls see it; evidence may be older than that.
    later = SimpleNamespace(time=lambda: time.time() + 30, perf_counter_ns=time.perf_counter_ns)
    for stage in (pipeline, decider):
        monkeypatch.setattr(stage, "time", later)
    with pytest.raises(guardrails.CallDenied, match="live-cluster/stop"):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[1]])
    assert aws.count("StopInstances") == 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("yes", "the format is"),
        ("reason=; rules=live-cluster/stop; until={later}", "the reason is missing"),
        ("reason=x; rules=live-cluster/stopp; until={later}", "there is no rule"),
        ("reason=x; rules=live-cluster/stop; until=2020-01-01T00:00:00Z", "`until` is in the past (2020"),
        ("reason=x; rules=live-cluster/stop; until=soon", "is not a time"),
        ("reason=x; rules=live-cluster/stop; until=0001-01-01T00:00:00+14:00", "is not a time"),
        ("reason=x; rules=live-cluster/stop; until=2020-01-01T00:00:00", "no time zone"),
    ],
)
def test_the_environment_is_refused(value, sentence, site, aws, install, monkeypatch, caplog):
    """An incomplete or expired variable is reported, and every rule applies."""
    monkeypatch.setenv(ENVIRONMENT, value.format(later=rfc3339(time.time() + 600)))
    install()
    assert any(sentence in record.message and "Every rule applies" in record.message for record in caplog.records)
    with pytest.raises(guardrails.CallDenied):
        blue(site)
    assert not aws.count("StopInstances")


def test_the_command_prints_what_a_shell_takes(site, aws, tmp_path):
    """The line of `guardrails break-glass`, taken by a shell, lets its programs pass; a wrong one is refused there."""
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    script = tmp_path / "ops.py"
    script.write_text(
        "import boto3, guardrails\nguardrails.install('guardrails.toml')\n"
        f"boto3.client('ec2').stop_instances(InstanceIds=['{site.blue.instance_ids[0]}'])\n"
    )
    python = sys.executable
    command = f'{python} -m guardrails break-glass --reason "INC-42; it\'s full" --rule live-cluster/stop'
    environment = {**os.environ, **aws.environment()}
    shell = f'eval "$({command})" && {python} ops.py'
    subprocess.run(["bash", "-c", shell], cwd=tmp_path, env=environment, check=True)
    assert aws.count("StopInstances") == 1
    assert last(tmp_path / "decisions.jsonl")["input"]["break_glass"]["reason"] == "INC-42, it's full"
    refused = CliRunner().invoke(app, ["break-glass", "--reason", "x", "--rule", "live-cluster/unresolved"])
    assert (refused.exit_code, "is unbreakable" in refused.stderr) == (2, True)


@pytest.mark.parametrize("minutes", ["nan", "inf", "1e300", "-1"])
def test_minutes_that_are_none(minutes):
    """The command refuses minutes that are not a number, in one sentence."""
    done = CliRunner().invoke(app, ["break-glass", "--reason", "x", "--rule", *STOP, "--minutes", minutes])
    assert done.exit_code == 2
    wanted = "is not a finite number" if minutes in ("nan", "inf") else "must be a number of minutes above 0"
    assert wanted in done.output


def test_it_is_announced(site, install, tmp_path):
    """The configured command gets who, why and until when; one that fails does not stand in the way."""
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(tmp_path / 'told.json')!r}, 'w').write(sys.stdin.read())")
    install(break_glass={"command": [sys.executable, str(hook)]})
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        pass
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["reason"], told["caller"]["pid"]) == ("INC-42", os.getpid())


def test_the_environments_glass_is_announced_once(site, install, tmp_path, broken):
    """Installing announces it; a guard that is only made to ask it something does not."""
    told = tmp_path / "told"
    config = {"break_glass": {"command": ["/bin/sh", "-c", f"echo >> {told}"]}}
    broken()
    guardrails.Guard.from_config({"log": {"enabled": False}, **config}).check(site.ec2, "DescribeInstances")
    assert not told.exists()
    guard = install(**config)
    guard.broken_glass.announce()
    assert told.read_text() == "\n"


def test_an_announcement_does_not_announce_itself(site, install, tmp_path, broken):
    """The command has no broken glass in its environment, so it may be a script that is guarded itself."""
    broken()
    install(break_glass={"command": ["/bin/sh", "-c", f"env > {tmp_path / 'environment'}"]})
    assert ENVIRONMENT not in (tmp_path / "environment").read_text()


@pytest.mark.parametrize(
    ("command", "told"),
    [("yes", "timed out"), ("sleep 30", "timed out"), ("exit 3", "exit status 3"), ("sleep 30 & exit 0", "")],
)
def test_an_announcement_that_misbehaves(command, told, site, aws, install, caplog, monkeypatch):
    """A command that hangs or fails is logged, whatever it writes; what it leaves running is not waited for."""
    monkeypatch.setattr("guardrails.enforce.break_glass.grant._COMMAND_TIMEOUT_S", 0.5)
    install(break_glass={"command": ["/bin/sh", "-c", command]})
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        blue(site)
    assert aws.count("StopInstances") == 1
    said = [record.message for record in caplog.records if "could not be announced" in record.message]
    assert [told in message for message in said] == [True] * bool(told)


def test_an_announcement_that_fails(site, aws, install, caplog):
    """A missing command is logged, and the glass is broken anyway."""
    install(break_glass={"command": ["/nowhere/at/all"]})
    with guardrails.break_glass(reason="INC-42", rules=STOP):
        blue(site)
    assert aws.count("StopInstances") == 1
    assert any("could not be announced" in record.message for record in caplog.records)


def test_a_misspelt_unbreakable_rule_is_refused(install):
    """A list of unbreakable rules with a name that no rule has protects nothing, so it is refused."""
    with pytest.raises(guardrails.ConfigError, match="`unbreakable` names the unknown rule 'live-cluster/stopp'"):
        install(params={"unbreakable": ["live-cluster/stopp"]})

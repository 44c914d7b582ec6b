"""Approval by a second person on one host: two users of the host are two people, and one approval is for one call."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from attrs import evolve
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.enforce.approvals.digest import digest
from guardrails.enforce.pacing import Turns
from guardrails.memory.approvals import ApprovalFolder, Grant
from guardrails.memory.pacer import Pause
from guardrails.notify import Sender
from guardrails.record.decision_log import DecisionLog
from guardrails.record.entries import parse
from guardrails.show.decision import page
from tests.support import other_user
from tests.support.waiting import until

RULE = "live-cluster/terminate"
MINE = other_user.name(os.geteuid())
# Loaded while this process may still read everything.
CliRunner().invoke(app, ["approve", "--help"])


@pytest.fixture
def place():
    """A folder that other users may enter, with a configuration that they may read."""
    folder = Path(tempfile.mkdtemp(prefix="guardrails-approvals-"))
    folder.chmod(0o755)
    (folder / "guardrails.toml").write_text(f'approval_folder = "{folder}/asked"\n')
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def guard(install, place):
    """guard(**config): blue may be terminated with an approval, which counts for ten minutes."""

    def make(terms=None, **config):
        terms = {RULE: {"minutes": 10}} if terms is None else terms
        return install(approval_folder=str(place / "asked"), params={"approvals": terms}, **config)

    return make


def terminate(site, *numbers, cluster="blue"):
    ids = [getattr(site, cluster).instance_ids[number] for number in numbers]
    return site.ec2.terminate_instances(InstanceIds=ids)


def denied(site, *numbers, **more):
    """The denial of terminating these machines."""
    with pytest.raises(guardrails.CallDenied) as caught:
        terminate(site, *numbers, **more)
    return caught.value


def approve(place, request_id, *options):
    """What the command says, and its exit code."""
    done = CliRunner().invoke(
        app, ["approve", request_id, "--reason", "INC-42", "--config", str(place / "guardrails.toml"), *options]
    )
    return f"{done.exit_code} {done.output}"


def approved_by_nobody(place, request_id):
    said = other_user.act(lambda: approve(place, request_id))
    assert said.startswith("0 "), said


def last(log):
    return json.loads(log.read_text().splitlines()[-1])


def test_a_second_person_allows_exactly_one_call(site, aws, guard, place, log):
    """The denial names the command; run by another user it lets the call pass, once; both names are in the log."""
    guard()
    error = denied(site, 0)
    asked = error.decision.approval
    assert f'`guardrails approve {asked.id} --reason "…"`' in str(error)
    shown = next(section for section in page(error.decision).sections if section.title == "Approval")
    assert asked.command in "".join(shown.lines)
    assert (asked.user, asked.rules, asked.targets) == (MINE, (RULE,), (site.blue.instance_ids[0],))
    assert denied(site, 0).decision.approval.id == asked.id
    approved_by_nobody(place, asked.id)
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1
    (entry,) = last(log)["input"]["approvals"]
    assert (entry["name"], entry["asker"], entry["reason"]) == (other_user.name(), MINE, "INC-42")
    assert parse(log.read_text().splitlines()[-1]).person.endswith(f", approved by {other_user.name()}")
    said = CliRunner().invoke(app, ["log", "--config", str(configuration(place, log))]).output
    assert f"approved by {other_user.name()}" in said


def configuration(place, log):
    file = place / "with-log.toml"
    file.write_text(f'[log]\npath = "{log}"\n')
    return file


def test_the_command_tells_apart_what_does_not_count(site, aws, guard, place):
    """Your own request, an unknown, altered or expired one, an agent's yes: refused, each with its own sentence."""
    guard()
    asked = denied(site, 0).decision.approval
    board, file = ApprovalFolder(place / "asked"), place / "asked" / f"request-{asked.id}.json"
    assert f"2 guardrails: request {asked.id} is your own ({MINE})" in approve(place, asked.id)
    assert "2 guardrails: there is no request 0000" in approve(place, "0000")
    for nothing in ("", "  "):
        assert "2 guardrails: the id is empty" in other_user.act(lambda nothing=nothing: approve(place, nothing))
    assert f"there is no request {asked.id[:5]}; give the whole id, or at least 6 characters" in other_user.act(
        lambda: approve(place, asked.id[:5])
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAUDECODE", "1")
        assert "an agent runs this command" in other_user.act(lambda: approve(place, asked.id))
    (record,) = board.all()
    altered = {**record.request.document, "targets": ["i-another"]}
    file.write_text(evolve(record.request, document=altered).written())
    assert "was altered after it was made" in other_user.act(lambda: approve(place, asked.id))
    file.write_text(evolve(record.request, asked_at=time.time() - 601).written())
    assert f"request {asked.id} expired at" in other_user.act(lambda: approve(place, asked.id))
    file.write_text(evolve(record.request, terms={RULE: ("alice",)}).written())
    assert f"is not among those who may approve {RULE}" in other_user.act(lambda: approve(place, asked.id))
    denied(site, 0)
    assert not aws.count("TerminateInstances")


def test_the_beginning_of_an_id_is_enough(site, aws, guard, place):
    """Six characters name a request where no other one begins so."""
    guard()
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id[:6])
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1


def grant(place, record, uid=other_user.NOBODY, **changes):
    """A grant that is put there without the command, which would refuse it."""
    given = Grant("x", "x", "INC-42", record.request.digest, time.time())
    other_user.act(lambda: ApprovalFolder(place / "asked").grant(record.request, evolve(given, **changes)), uid)


def test_the_guard_tells_apart_what_does_not_count(site, aws, guard, place):
    """Self-made, expired, for another form: nothing arrives, each denial has its own sentence."""
    guard()
    denied(site, 0)
    board = ApprovalFolder(place / "asked")
    (record,) = board.all()
    for changes, uid, sentence in (
        ({}, os.geteuid(), f"because {MINE} also asked for it"),
        ({"at": time.time() - 601}, other_user.NOBODY, f"by {other_user.name()} expired at"),
        ({"at": time.time() + 3600}, other_user.NOBODY, "is from the future"),
        ({"digest": "0" * 64}, other_user.NOBODY, "was given to another form of this call"),
    ):
        grant(place, record, uid, **changes)
        assert sentence in str(denied(site, 0)), sentence
        for file in (place / "asked").glob("grant-*"):
            file.unlink()
    assert not aws.count("TerminateInstances")


def test_an_altered_call_is_another_one(site, aws, guard, place):
    """An approval of one machine covers neither another one nor both; the denial says that it was altered."""
    guard({RULE: {"minutes": 10}, "remaining/share": {"minutes": 10}, "remaining/minimum": {"minutes": 10}})
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id)
    for numbers in ((1,), (0, 1)):
        error = denied(site, *numbers)
        assert f"Approval {asked.id} by {other_user.name()} does not cover this call, which was altered" in str(error)
        assert error.decision.approval.id != asked.id
    assert not aws.count("TerminateInstances")
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1


def end_unguarded(site, guard, *numbers):
    """Terminate machines of blue without the guard."""
    guardrails.uninstall()
    terminate(site, *numbers)
    guard()


def test_an_approval_ends_where_less_would_remain(site, aws, guard, place):
    """Approved while two machines would remain: it does not count for the last one; a new approval, of that, does."""
    guard()
    asked = denied(site, 0).decision.approval
    assert "leaves:    2 of 3 of blue" in other_user.act(lambda: approve(place, asked.id))
    end_unguarded(site, guard, 1, 2)
    before = aws.count("TerminateInstances")
    error = denied(site, 0)
    sentence = (
        f"Approval {asked.id} by {other_user.name()} does not count: since the approval, fewer machines of blue run"
    )
    assert sentence in str(error)
    assert denied(site, 0).decision.approval.id == error.decision.approval.id != asked.id
    assert aws.count("TerminateInstances") == before
    approved_by_nobody(place, error.decision.approval.id)
    terminate(site, 0)
    assert aws.count("TerminateInstances") == before + 1


def test_a_request_says_what_would_be_left_now(site, aws, guard, place):
    """A request from before others went is not shown again: who approves sees what would remain now."""
    guard()
    asked = denied(site, 0).decision.approval
    end_unguarded(site, guard, 1)
    before = aws.count("TerminateInstances")
    now = denied(site, 0).decision.approval
    assert now.id != asked.id
    assert "leaves:    1 of 2 of blue" in other_user.act(lambda: approve(place, now.id))
    terminate(site, 0)
    assert aws.count("TerminateInstances") == before + 1


def test_where_more_remains_it_counts(site, aws, guard, place):
    """A machine more in the cluster ends no approval."""
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[2]])
    guard({RULE: {"minutes": 10}, "remaining/share": {"minutes": 10}, "remaining/minimum": {"minutes": 10}})
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id)
    site.ec2.start_instances(InstanceIds=[site.blue.instance_ids[2]])
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1


def test_another_callers_approval(site, aws, guard, place):
    """What was approved for another user is theirs: the denial names them, and nothing arrives."""
    guard()
    denied(site, 0)
    board = ApprovalFolder(place / "asked")
    (record,) = board.all()
    theirs = {**record.request.document, "user": "daemon"}
    made = evolve(record.request, id="fedcba9876", document=theirs, digest=digest(theirs))
    made = evolve(made, asked_by=evolve(made.asked_by, id="daemon", name="daemon"))
    for file in (place / "asked").iterdir():
        file.unlink()
    other_user.act(lambda: board.ask(made), 1)
    grant(place, evolve(record, request=made))
    assert f"by {other_user.name()} was given to daemon, and not to you" in str(denied(site, 0))
    assert not aws.count("TerminateInstances")


def test_what_is_not_sent_uses_no_approval(site, aws, guard, place, monkeypatch):
    """A call that a full disk or AWS's rate limits keep back leaves its approval, still good for one call."""
    guard()
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "write", full)
        assert isinstance(denied(site, 0), guardrails.GuardUnavailable)
    with monkeypatch.context() as patch:
        patch.setattr(Turns, "wait", lambda *_: Pause(30.0, refused=True))
        assert "pacing/rate-limit" in str(denied(site, 0))
    assert not aws.count("TerminateInstances")
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1
    (record,) = ApprovalFolder(place / "asked").all()
    assert record.used_by
    ApprovalFolder(place / "asked").give_back(record.request.place, asked.id, "another decision")
    assert ApprovalFolder(place / "asked").all() == [record]


def spoiled(written):
    """Strings that any user could write beside others' requests, each by what is wrong with it."""
    at = json.dumps(written["asked_at"])
    document = written["document"]
    deep = json.dumps({**written, "document": {**document, "params": {"X": 0}}})
    return {
        "an integer too large": json.dumps(written).replace(at, "1" + "0" * 400),
        "infinity": json.dumps({**written, "asked_at": float("inf")}),
        "not a number": json.dumps({**written, "minutes": float("nan")}),
        "in the future": json.dumps({**written, "asked_at": time.time() + 3600}),
        "forever": json.dumps({**written, "minutes": 1e300}),
        "no time": json.dumps({**written, "minutes": 0}),
        "nothing": json.dumps({**written, "document": {}}),
        "targets": json.dumps({**written, "document": {**document, "targets": 5}}),
        "clusters": json.dumps({**written, "document": {**document, "clusters": {"i-1": "blue"}}}),
        "rules": json.dumps({**written, "document": {**document, "rules": ["a"]}}),
        "leaves": json.dumps({**written, "leaves": {"blue": 5}}),
        "depth": deep.replace('{"X": 0}', '{"X": ' + "[" * 400 + "]" * 400 + "}"),
        "another name": json.dumps({**written, "id": "bbbbbbbb"}),
    }


def test_a_bad_request_disturbs_no_one(site, aws, guard, place):
    """Whatever a user of the host puts there: requests are listed, asked for, approved and used as without it."""
    guard()
    asked = denied(site, 0).decision.approval
    (record,) = ApprovalFolder(place / "asked").all()
    who = other_user.name()
    mine = {
        **json.loads(record.request.written()),
        "id": "aaaaaaaa",
        "asked_by": {"id": who, "name": who, "others": []},
    }
    file = place / "asked" / "request-aaaaaaaa.json"
    command = ["requests", "--all", "--format", "json", "--config", str(place / "guardrails.toml")]

    def listed():
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        return [json.loads(line)["id"] for line in done.output.splitlines()]

    other_user.act(lambda: file.write_text(json.dumps(mine)))
    assert {*listed()} == {asked.id, "aaaaaaaa"}
    for what, text in spoiled(mine).items():
        other_user.act(lambda text=text: file.write_text(text))
        assert listed() == [asked.id], what
        assert "there is no request aaaaaaaa" in approve(place, "aaaaaaaa"), what
    assert denied(site, 0).decision.approval.id == asked.id
    approved_by_nobody(place, asked.id)
    other_user.act(lambda: bad_grants(place, asked.id))
    terminate(site, 0)
    assert aws.count("TerminateInstances") == 1


def bad_grants(place, request_id):
    (good,) = (place / "asked").glob(f"grant-{request_id}-*")
    written = json.loads(good.read_text())
    at = json.dumps(written["at"])
    for number, wrong in enumerate(("1" + "0" * 400, "Infinity", "NaN", "-1", "true", '"now"')):
        file = place / "asked" / f"grant-{request_id}-{number:08}.json"
        file.write_text(good.read_text().replace(at, wrong))
        file.chmod(0o644)


def test_the_used_marker_decides(site, aws, guard, place):
    """An approval whose use is on record lets nothing pass, and the denial names the decision that used it."""
    guard()
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id)
    (record,) = ApprovalFolder(place / "asked").all()
    assert ApprovalFolder(place / "asked").take(record.request, "d-1")
    assert not ApprovalFolder(place / "asked").take(record.request, "d-2")
    error = denied(site, 0)
    assert "was used already, by decision d-1: one approval is good for one call" in str(error)
    assert error.decision.approval.id != asked.id
    assert not aws.count("TerminateInstances")


@pytest.mark.parametrize("spoil", ["link", "writable"])
def test_a_file_counts_by_its_owner(spoil, site, aws, guard, place):
    """A link to another user's file, or one that others may write, is no grant."""
    guard()
    asked = denied(site, 0).decision.approval
    approved_by_nobody(place, asked.id)
    (file,) = (place / "asked").glob("grant-*")
    if spoil == "writable":
        file.chmod(0o666)
    else:
        file.rename(place / "elsewhere")
        file.symlink_to(place / "elsewhere")
    denied(site, 0)
    assert not aws.count("TerminateInstances")


def test_every_rule_must_be_approvable(site, aws, guard):
    """What the rule book does not name stays denied without a request, alone or beside what it names."""
    guard()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0], "i-0123456789abcdef0"])
    assert {one.rule for one in caught.value.decision.violations} >= {RULE, "live-cluster/unresolved"}
    assert caught.value.decision.approval is None
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert caught.value.decision.approval is None
    assert not aws.count("TerminateInstances")
    assert not aws.count("StopInstances")


def test_the_innocent_neighbour_passes(site, aws, guard, place):
    """What needs no approval asks for none, and puts nothing into the folder."""
    guard()
    terminate(site, 0, cluster="green")
    site.ec2.describe_instances()
    assert aws.count("TerminateInstances") == 1
    assert not (place / "asked").exists()


def test_unknown_facts_cannot_be_approved(site, aws, guard):
    """A call that the guard could not decide on carries no request."""
    guard()
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    error = denied(site, 0)
    assert isinstance(error, guardrails.GuardUnavailable)
    assert error.decision.approval is None


def test_a_live_cluster_that_changes_ends_it(site, aws, guard, place):
    """An approval for a machine of green does not cover it once green is live."""
    guard({"live-cluster/untagged": {"minutes": 5}, RULE: {"minutes": 5}})
    site.ec2.delete_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Cluster"}])
    asked = denied(site, 0, cluster="green").decision.approval
    assert asked.rules == ("live-cluster/untagged",)
    approved_by_nobody(place, asked.id)
    address = site.ec2.allocate_address(Domain="vpc")
    guardrails.uninstall()
    site.ec2.create_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Cluster", "Value": "green"}])
    site.ec2.associate_address(InstanceId=site.green.instance_ids[1], AllocationId=address["AllocationId"])
    guard({"live-cluster/untagged": {"minutes": 5}, RULE: {"minutes": 5}})
    error = denied(site, 0, cluster="green")
    assert error.decision.approval is None or error.decision.approval.id != asked.id
    assert not aws.count("TerminateInstances")


def test_a_blocked_script_waits(site, aws, guard, place, monkeypatch):
    """With `approval_wait_s` the call goes on by itself once another user has approved it; notices go out before."""
    noticed = []
    monkeypatch.setattr(Sender, "asked", lambda _, decision: noticed.append(decision.approval.id))
    guard(approval_wait_s=120)
    end = other_user.start(lambda: approve_the_first(place))
    terminate(site, 0)
    assert end().startswith("0 ")
    (record,) = ApprovalFolder(place / "asked").all()
    assert noticed == [record.request.id]
    assert aws.count("TerminateInstances") == 1


def approve_the_first(place):
    until(lambda: list((place / "asked").glob("request-*.json")))
    (file,) = (place / "asked").glob("request-*.json")
    return approve(place, file.stem.removeprefix("request-"))


def test_another_thread_does_not_wait(site, aws, guard):
    """Ctrl-C does not reach other threads, so a call in one is denied at once, with its request."""
    guard(approval_wait_s=3600)
    denials = []
    worker = threading.Thread(target=lambda: denials.append(denied(site, 0)), daemon=True)
    worker.start()
    worker.join(60)
    assert denials[0].decision.approval
    assert not aws.count("TerminateInstances")


def test_ctrl_c_ends_the_wait(site, aws, guard, place):
    """Ctrl-C while it waits is a denial, and nothing is sent."""
    guard(approval_wait_s=600)

    def interrupt():
        until(lambda: list((place / "asked").glob("request-*.json")))
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    error = denied(site, 0)
    watcher.join()
    assert "The wait for an approval was interrupted (Ctrl-C)" in str(error)
    assert not aws.count("TerminateInstances")


def test_an_agents_host_reads_json_and_goes_on(site, aws, guard, place, monkeypatch):
    """What an agent's host reads from the response is enough to have a person approve it; then the same call passes."""
    monkeypatch.setenv("CLAUDECODE", "1")
    guard({"opaque/command": {"minutes": 30}})
    ssm = aws.client("ssm")
    command = {
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": [site.blue.instance_ids[0]],
        "Parameters": {"commands": ["uptime"]},
    }
    with pytest.raises(guardrails.CallDenied) as caught:
        ssm.send_command(**command)
    assert "an agent makes this call, and only a person can confirm it" in str(caught.value)
    read = json.loads(json.dumps(caught.value.response["Approval"]))
    assert read["command"].startswith(f"guardrails approve {read['id']}")
    monkeypatch.delenv("CLAUDECODE")
    approved_by_nobody(place, read["id"])
    monkeypatch.setenv("CLAUDECODE", "1")
    other = {**command, "Parameters": {"commands": ["reboot"]}}
    with pytest.raises(guardrails.CallDenied, match=r"\(parameters differ\)"):
        ssm.send_command(**other)
    ssm.send_command(**command)
    assert aws.count("SendCommand") == 1


def test_requests_are_listed(site, guard, place):
    """`guardrails requests` shows what waits, and by whom it was approved; JSON has the same."""
    guard()
    asked = denied(site, 0).decision.approval
    command = ["requests", "--config", str(place / "guardrails.toml")]
    said = CliRunner().invoke(app, command).output
    assert f"{asked.id}  open  until" in said
    assert f"asked by {MINE}" in said
    approved_by_nobody(place, asked.id)
    shown = json.loads(CliRunner().invoke(app, [*command, "--format", "json"]).output)
    assert (shown["id"], shown["state"], shown["approved_by"]) == (asked.id, "approved", [other_user.name()])
    assert "no call waits" in CliRunner().invoke(app, ["requests", "--config", str(empty(place))]).output


def test_a_name_of_ones_own(site, guard, place):
    """Who asks is shown by the id that counts; what they call themselves is marked as that."""
    guard()
    asked = denied(site, 0).decision.approval
    (file,) = (place / "asked").glob("request-*")
    who = {"id": MINE, "name": "the boss", "others": []}
    file.write_text(json.dumps({**json.loads(file.read_text()), "asked_by": who}))
    said = f"{MINE}, which calls itself the boss"
    config = str(place / "guardrails.toml")
    assert f"asked by {said}" in CliRunner().invoke(app, ["requests", "--config", config]).output
    shown = other_user.act(lambda: approve(place, asked.id))
    assert f"asked by:  {said}" in shown
    assert f"{MINE} may make this call once" in shown


def test_a_watch_goes_on(site, guard, place, monkeypatch):
    """`guardrails requests --watch` says that requests cannot be read, tries again, and shows what came meanwhile."""
    guard()
    file = place / "asked"
    file.write_text("")
    looks = []

    def next_look(_seconds):
        looks.append(len(looks))
        if len(looks) == 2:
            file.unlink()
            denied(site, 0)
        if len(looks) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(
        import_module("guardrails.cli.requests"), "time", SimpleNamespace(sleep=next_look, time=time.time)
    )
    done = CliRunner().invoke(app, ["requests", "--watch", "--config", str(place / "guardrails.toml")])
    assert done.exit_code == 0
    assert done.output.count("requests are not seen now") == 1
    assert done.output.count("requests are seen again") == 1
    assert done.output.count("  open  ") == 1


def empty(place):
    file = place / "empty.toml"
    file.write_text(f'approval_folder = "{place}/nothing"\n')
    return file


def test_a_folder_that_cannot_be_used(site, aws, install, tmp_path):
    """The call stays denied, says why no approval can be asked for, and break glass still works."""
    file = tmp_path / "file"
    file.write_text("")
    install(approval_folder=str(file), params={"approvals": {RULE: {"minutes": 10}}})
    error = denied(site, 0)
    assert error.decision.approval is None
    assert f"No approval can be asked for, and none counts: the folder for approvals {file} cannot be used" in str(
        error
    )
    with guardrails.break_glass(reason="INC-42", rules=[RULE]):
        terminate(site, 0)
    assert aws.count("TerminateInstances") == 1

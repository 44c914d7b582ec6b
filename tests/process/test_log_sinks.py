"""Decisions in S3 and CloudWatch Logs, both simulated by moto, and logs of many hosts read as one."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import socket
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.doctor import log_sink
from guardrails.record.decision_log import DecisionLog
from guardrails.record.entries import NOT_SENT
from guardrails.record.long_lines import whole
from guardrails.record.many_logs import gathered
from guardrails.record.sinks import cloudwatch
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spool import SET_ASIDE
from guardrails.record.upload import Uploader, sink_of, spool_of
from guardrails.values import Call, Decision, Outcome
from tests.support.log_sinks import log_service

CALL = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"]}, "eu-west-1", "")
BUCKET = "example-logs"
# How the simulated AWS names the request for an object of so many decisions, the first of them `one`.
PUT = f"PUT /{BUCKET}/fleet/2023-11-14/{socket.gethostname()}/000000000001-000000000-one-{{}}.jsonl.gz"


def _write(settings, *names, at=1_700_000_000.0, host="", **more):
    for name in names:
        document = {"caller": {"host": host}, "call": {"service": "ec2", "operation": "StopInstances"}, **more}
        decision = Decision(name, "allow", CALL, input=document, decided_at=at)
        DecisionLog(settings).write(decision, Outcome(True, "allow"), "enforce")


def _upload(settings):
    return Uploader(spool_of(settings), sink_of(settings)).upload()


@pytest.fixture
def in_s3(aws, log):
    """The settings of a log whose sink is a bucket."""
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return LogSettings(path=log, sink=f"s3://{BUCKET}/fleet", fsync="none", region="eu-west-1")


@pytest.fixture
def in_cloudwatch(aws, log):
    """The settings of a log whose sink is a log group."""
    aws.client("logs").create_log_group(logGroupName="/guardrails/prod")
    return LogSettings(path=log, sink="cloudwatch:///guardrails/prod", fsync="none", region="eu-west-1")


def _objects(aws):
    s3 = aws.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
    return {key: gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).splitlines() for key in keys}


def _events(aws):
    logs = aws.client("logs")
    return logs.get_log_events(
        logGroupName="/guardrails/prod", logStreamName=socket.gethostname(), startFromHead=True, startTime=0
    )["events"]


def test_objects_in_s3(aws, in_s3):
    """A batch is an object with the date, the host and the first id in its key, of the lines as the log has them."""
    _write(in_s3, "one", "two")
    assert _upload(in_s3) == 2
    ((key, lines),) = _objects(aws).items()
    assert key == f"fleet/2023-11-14/{socket.gethostname()}/000000000001-000000000-one-2.jsonl.gz"
    assert b"\n".join(lines) + b"\n" == in_s3.path.read_bytes()


def test_a_late_upload_replaces_nothing(aws, in_s3):
    """A killed process's request that arrives late, after a longer batch from the same place, leaves that alone."""
    _write(in_s3, "one", "two")
    late = spool_of(in_s3).batch(10, 10_000)
    _write(in_s3, "three")
    _upload(in_s3)
    sink_of(in_s3).send(late.lines, late.start)
    with gathered(in_s3, [str(in_s3.sink)]) as found:
        assert [entry.decision_id for entry in found.read()] == ["one", "two", "three"]
    # Sent again after a lost acknowledgement, a batch goes to the same object.
    (spool_of(in_s3).folder / "position").unlink()
    _upload(in_s3)
    assert sorted(map(len, _objects(aws).values())) == [2, 3]


def test_a_note_about_the_first_decision_of_an_object(aws, in_s3):
    """A note that a call was not sent has its decision's id, and still does not overwrite the decision's object."""
    _write(in_s3, "one")
    _upload(in_s3)
    DecisionLog(in_s3).not_sent("one", "cancelled")
    _upload(in_s3)
    kinds = [json.loads(line)["type"] for lines in _objects(aws).values() for line in lines]
    assert sorted(kinds) == sorted(["openpolicyagent.org/decision_logs", NOT_SENT])
    with gathered(in_s3, [str(in_s3.sink)]) as found:
        (entry,) = found.read()
    assert (entry.sent, entry.not_sent) == (False, "cancelled")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [((403, "AccessDenied", "no"), "s3:PutObject is not permitted"), ((404, "NoSuchBucket", "no"), "it does not exist"),
     ((503, "SlowDown", "no"), "SlowDown")],
)  # fmt: skip
def test_s3_refuses(aws, in_s3, answer, sentence):
    """What S3 refuses stays in the spool, with one sentence; canned, because moto permits everything."""
    _write(in_s3, "one")
    aws.answer(PUT.format(1), *answer)
    with pytest.raises(SinkFailure, match=sentence):
        _upload(in_s3)
    assert spool_of(in_s3).waiting().count == 1


def test_events_in_cloudwatch(aws, in_cloudwatch):
    """Events have the time of their decision, in order, and are in the stream of the host, which is created."""
    now = time.time()
    for name, age in (("later", 10), ("earlier", 20), ("two days", 2 * 86_400)):
        _write(in_cloudwatch, name, at=now - age)
    assert _upload(in_cloudwatch) == 3
    events = _events(aws)
    assert [json.loads(event["message"])["decision_id"] for event in events] == ["two days", "earlier", "later"]
    assert abs(events[-1]["timestamp"] - (now - 10) * 1000) < 2


def test_very_old_decisions_in_cloudwatch(aws, in_cloudwatch):
    """A spool of three weeks, and a clock that was ahead: AWS would drop such events, and gets a time that it takes."""
    now = time.time()
    _write(in_cloudwatch, "old", at=now - 21 * 86_400)
    _write(in_cloudwatch, "ahead", at=now + 86_400)
    assert _upload(in_cloudwatch) == 2
    assert {json.loads(event["message"])["decision_id"] for event in _events(aws)} == {"old", "ahead"}


def test_events_that_cloudwatch_drops(aws, in_cloudwatch):
    """AWS acknowledges and drops what is older than the retention: that is set aside; canned, moto keeps all."""
    _write(in_cloudwatch, "one", at=time.time() - 60)
    _write(in_cloudwatch, "two", at=time.time())
    _upload(in_cloudwatch)
    _write(in_cloudwatch, "three", at=time.time() - 60)
    _write(in_cloudwatch, "four", at=time.time())
    body = json.dumps({"rejectedLogEventsInfo": {"expiredLogEventEndIndex": 1}})
    aws.reply("PutLogEvents", body)
    assert _upload(in_cloudwatch) == 1
    (kept,) = (spool_of(in_cloudwatch).folder / SET_ASIDE).read_text().splitlines()
    assert json.loads(json.loads(kept)["line"])["decision_id"] == "three"


def test_long_decisions_in_cloudwatch(aws, in_cloudwatch, monkeypatch):
    """A decision that is too long for an event is packed, and is whole when it is read."""
    monkeypatch.setattr(cloudwatch, "_LONGEST", 3_000)
    _write(in_cloudwatch, "long", at=time.time(), note="x" * 10_000)
    assert _upload(in_cloudwatch) == 1
    (event,) = _events(aws)
    assert len(event["message"]) < 3_000
    assert whole(json.loads(event["message"]))["input"]["note"] == "x" * 10_000


@pytest.mark.parametrize("kind", ["s3", "cloudwatch"])
def test_uploads_are_not_judged(site, aws, in_s3, in_cloudwatch, install, kind, log):
    """The guard's own uploads are neither decided on nor recorded, and secrets are masked in them."""
    sink = (in_s3 if kind == "s3" else in_cloudwatch).sink
    guard = install(mode="dryrun", log={"path": str(log), "sink": sink, "region": "eu-west-1", "upload": False})
    # The simulated AWS refuses it; it was decided and recorded before.
    with contextlib.suppress(ClientError):
        site.ec2.modify_instance_attribute(InstanceId=site.blue.instance_ids[0], UserData={"Value": b"hunter2"})
    assert _upload(guard.settings.log) == 1
    assert _upload(guard.settings.log) == 0
    assert len(log.read_text().splitlines()) == 1
    sent = str(_objects(aws) if kind == "s3" else _events(aws))
    assert "ModifyInstanceAttribute" in sent
    assert "aHVudGVyMg" not in sent
    assert "hunter2" not in sent


def test_doctor(aws, in_s3, in_cloudwatch):
    """The doctor tries each sink, leaves no decision there, and says what waits, since when, and the last error."""
    for settings in (in_s3, in_cloudwatch):
        tried, spool = log_sink.examine(settings)
        assert (tried.state, spool.state) == ("ok", "ok")
        assert "nothing waits" in spool.sentence
    _write(in_s3, "one", "two")
    for request in (PUT.format(2), f"PUT /{BUCKET}/fleet/guardrails-doctor"):
        aws.answer(request, 403, "AccessDenied", "no")
    with pytest.raises(SinkFailure):
        _upload(in_s3)
    tried, spool = log_sink.examine(in_s3)
    assert (tried.state, spool.state) == ("problem", "problem")
    assert "s3:PutObject is not permitted" in tried.sentence
    assert "2 lines" in spool.sentence
    assert "the oldest since 2023-11-14T" in spool.sentence
    assert "last error" in spool.sentence


def _host(folder, name, *ids, at):
    settings = LogSettings(path=folder / f"{name}.jsonl")
    for number, decision in enumerate(ids):
        _write(settings, decision, at=at + 10 * number, host=name)
    return settings.path


def test_logs_of_many_hosts(tmp_path, aws, in_s3):
    """`guardrails log` and `report` read files, patterns, folders and S3 as one: by time, each once, with the host."""
    first = _host(tmp_path, "web-1", "aaa", "ccc", at=1_000.0)
    second = _host(tmp_path, "web-2", "bbb", "ddd", at=1_005.0)
    _write(in_s3, "ccc", at=1_010.0, host="web-1")
    _write(in_s3, "eee", at=1_020.0, host="web-3")
    _upload(in_s3)
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "{tmp_path}/none.jsonl"\nregion = "eu-west-1"\n')

    def run(*arguments):
        done = CliRunner().invoke(app, [*arguments, "--config", str(config)])
        assert done.exit_code == 0, done.output
        return done.output

    out = run("log", f"s3://{BUCKET}/fleet", str(first), str(second))
    lines = out.splitlines()
    assert [next(name for name in ("aaa", "bbb", "ccc", "ddd", "eee") if name in line) for line in lines] == [
        "aaa", "bbb", "ccc", "ddd", "eee"]  # fmt: skip
    assert "on web-2" in lines[1]
    assert "on web-1" not in run("log", str(first))
    assert len(run("log", str(tmp_path / "web-*.jsonl")).splitlines()) == 4
    # A folder: what `aws s3 sync` makes of the bucket.
    assert len(run("log", f"{tmp_path}/", "--last", "3").splitlines()) == 3
    assert json.loads(run("log", "--log", str(first), "--id", "aaa"))["decision_id"] == "aaa"
    counts = json.loads(run("report", "--log", f"{tmp_path}/web-*.jsonl", "--log", str(in_s3.sink), "--format", "json"))
    assert counts["decisions"] == 5


def _entries(settings, *named, **more):
    with gathered(settings, list(map(str, named)), **more) as found:
        return list(found.read())


def test_a_folder_of_logs(tmp_path):
    """A folder's rotated and gzipped files are read; `--last` keeps the newest by time, whatever log they are in."""
    _host(tmp_path, "web-1", "newest", at=9_000.0)
    second = _host(tmp_path, "web-2", *(f"w2-{number:02}" for number in range(20)), at=1_000.0)
    rotated = _host(tmp_path, "old", "rotated", at=500.0)
    rotated.rename(second.with_name("web-2.jsonl.2"))
    second.with_name("web-2.jsonl.10.gz").write_bytes(
        gzip.compress(_host(tmp_path, "x", "oldest", at=1.0).read_bytes())
    )
    (tmp_path / "x.jsonl").unlink()
    (tmp_path / "web-2.jsonl.lock").touch()
    names = [entry.decision_id for entry in _entries(LogSettings(), tmp_path)]
    assert names == ["newest", "oldest", "rotated", *(f"w2-{number:02}" for number in range(20))]
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "{tmp_path}/none"\n')
    arguments = ["log", f"{tmp_path}/", "--last", "3", "--format", "json", "--config", str(config)]
    done = CliRunner().invoke(app, arguments)
    assert [json.loads(line)["decision_id"] for line in done.output.splitlines()] == ["w2-18", "w2-19", "newest"]


def test_more_logs_than_a_process_may_open(tmp_path):
    """As many hosts as there are: one file is open at a time."""
    settings = LogSettings(path=tmp_path / "web-0.jsonl")
    _write(settings, "one")
    line = settings.path.read_text()
    for number in range(1, 100):
        (tmp_path / f"web-{number}.jsonl").write_text(line.replace('"one"', f'"{number}"'))
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, usual[1]))
    try:
        assert len(_entries(LogSettings(), tmp_path / "web-*.jsonl")) == 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_damaged_objects(aws, in_s3):
    """Of a damaged object, what can be read is read, a sentence names it, and the others are whole."""
    _write(in_s3, *(f"d-{number}" for number in range(50)))
    whole_one = gzip.compress(in_s3.path.read_bytes())
    odd = bytearray(whole_one)
    # No such type of block.
    odd[10] = 0x07
    s3 = aws.client("s3")
    for key, body in (("a", whole_one[:-9]), ("b", bytes(odd)), ("c", b"no gzip"), ("d", whole_one)):
        s3.put_object(Bucket=BUCKET, Key=f"fleet/2023-11-14/h/{key}.jsonl.gz", Body=body)
    found = _entries(in_s3, in_s3.sink)
    sentences = [entry for entry in found if isinstance(entry, str)]
    places = [f"s3://{BUCKET}/fleet/2023-11-14/h/{key}.jsonl.gz: " for key in "abc"]
    assert all(text.startswith(place) for text, place in zip(sentences, places, strict=True))
    assert all("damaged after line" in text for text in sentences)
    assert len(found) - len(sentences) == 50


def test_a_prefix_ends_at_its_slash(aws, in_s3):
    """`prod` has nothing of `prod-old`; one object can be named as well."""
    s3, body = aws.client("s3"), b'{"decision_id": "%b", "timestamp": "2026-11-28T10:00:00Z"}\n'
    for prefix in ("prod", "prod-old"):
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}/2026-11-28/h/1.jsonl", Body=body % prefix.encode())
    for named in ("prod", "prod/", "prod/2026-11-28/h/1.jsonl"):
        assert [entry.decision_id for entry in _entries(in_s3, f"s3://{BUCKET}/{named}")] == ["prod"]


def test_reconcile_reads_all_logs_together(tmp_path):
    """A note in this host's log that a call was not sent holds for the entry in another log, too."""
    own, other = LogSettings(path=tmp_path / "own.jsonl"), LogSettings(path=tmp_path / "other.jsonl")
    for settings in (own, other):
        _write(settings, "one")
    DecisionLog(own).not_sent("one", "cancelled")
    (entry,) = _entries(own, other.path, own=True)
    assert (entry.sent, entry.not_sent) == (False, "cancelled")
    (entry,) = _entries(LogSettings(path=Path("-")), other.path, own=True)
    assert entry.sent


@pytest.mark.parametrize("named", ["/no/such.jsonl", "no*.jsonl", "s3://example-none/x", "s3://example-logs/none",
                                   "s3://", "cloudwatch://g"])  # fmt: skip
def test_logs_that_do_not_exist(in_s3, tmp_path, named):
    """A log that is not there is one sentence and exit code 2, never an empty list."""
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "{tmp_path}/none.jsonl"\nregion = "eu-west-1"\n')
    done = CliRunner().invoke(app, ["log", named, "--config", str(config)])
    assert done.exit_code == 2
    assert named in done.output
    assert "Traceback" not in done.output


def test_a_typo_is_no_log():
    """A command that does not exist gets a suggestion, and is not taken for a log."""
    done = CliRunner().invoke(app, ["log", "uplaod"])
    assert done.exit_code == 2
    assert "upload" in done.output


def test_reconcile_knows_other_hosts(tmp_path, in_s3):
    """A call that another host decided on is no bypass, whether its log is a file or in S3; others are."""
    _write(in_s3, "11111111-1111-4111-8111-111111111111", at=1_000.0, host="web-3")
    _upload(in_s3)
    _write(LogSettings(path=tmp_path / "web-1.jsonl"), "22222222-2222-4222-8222-222222222222", host="web-1")
    events = [
        {"eventSource": "ec2.amazonaws.com", "eventName": "StopInstances", "awsRegion": "eu-west-1",
         "eventTime": "2023-10-09T15:22:00Z", "userAgent": f"Boto3 md/guardrails#{number * 8}-{number * 4}-"
         f"4{number * 3}-8{number * 3}-{number * 12}"} for number in "123"]  # fmt: skip
    trail = tmp_path / "trail.json"
    trail.write_text(json.dumps({"Records": events}))
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "{tmp_path}/none.jsonl"\nregion = "eu-west-1"\n')
    logs = ["--log", f"{tmp_path}/web-*.jsonl", "--log", str(in_s3.sink)]
    done = CliRunner().invoke(app, ["log", "reconcile", str(trail), *logs, "--config", str(config), "--format", "json"])
    assert done.exit_code == 1
    (bypass,) = map(json.loads, done.output.splitlines())
    assert (bypass["why"], bypass["place"]) == ("unknown decision", f"{trail}#2")


def test_upload_command(tmp_path, log):
    """`guardrails log upload` sends what waits and says so; with the sink down it says why, and exits with 1."""
    config = tmp_path / "guardrails.toml"
    with log_service() as service:
        config.write_text(f'[log]\npath = "{log}"\nsink = "{service.url}"\nupload = false\n')
        settings = guardrails.Guard.from_config(config).settings.log
        _write(settings, "one")
        service.down = True
        done = CliRunner().invoke(app, ["log", "upload", "--config", str(config)])
        assert (done.exit_code, "answered 503" in done.output) == (1, True)
        service.down = False
        done = CliRunner().invoke(app, ["log", "upload", "--config", str(config)])
        assert (done.exit_code, done.output) == (0, f"1 line uploaded to {service.url}\n")
    config.write_text("[log]\n")
    done = CliRunner().invoke(app, ["log", "upload", "--config", str(config)])
    assert (done.exit_code, "set log.sink" in done.output) == (2, True)


def test_a_log_on_standard_error_has_a_spool(tmp_path):
    """In a container the log goes to standard error, and `guardrails log` shows what waits for the sink."""
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "-"\nsink = "http://127.0.0.1:9"\nspool = "{tmp_path}/spool"\nupload = false\n')
    _write(guardrails.Guard.from_config(config).settings.log, "from the spool")
    done = CliRunner().invoke(app, ["log", "--config", str(config)])
    assert (done.exit_code, "from the" in done.output) == (0, True)


@pytest.mark.parametrize("sink", ["s3://", "ftp://example.com", "https://user:SECRET@example.com", "cloudwatch://",
                                  "https://SECRET@example.com", "https://example.com/?token=SECRET",
                                  "https://example.com/?a=b", "s3:///x"])  # fmt: skip
def test_addresses_of_no_sink(sink):
    """A wrong address is refused at load, with the forms that there are."""
    with pytest.raises(guardrails.ConfigError, match=r"log\.sink.*s3://BUCKET/PREFIX") as refused:
        guardrails.Guard.from_config({"log": {"sink": sink}})
    assert "SECRET" not in str(refused.value)


def test_the_organisation_requires_the_sink(tmp_path):
    """A lock on the sink cannot be side-stepped by another sink or by switching the log off; a project adds labels."""
    organisation = tmp_path / "org.toml"
    organisation.write_text('locked = ["log.sink"]\n[log]\nsink = "s3://example-logs"\n')
    for weaker in ({"sink": "s3://mine"}, {"enabled": False}):
        with pytest.raises(guardrails.ConfigError, match=r"log\.sink"):
            load({"log": weaker}, organisation=organisation)
    settings = load({"log": {"labels": {"team": "web"}}}, organisation=organisation)
    assert settings.log.sink == "s3://example-logs"

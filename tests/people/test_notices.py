"""Notices of what was blocked and set aside: where they go, what they say, and that no call waits for them."""

from __future__ import annotations

import json
import logging
import multiprocessing
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from attrs import evolve
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.doctor import notices as of_doctor
from guardrails.notify import Notice, Sender, targets
from guardrails.notify.grouping import Grouping
from guardrails.notify.outbox import NotDelivered, Outbox
from guardrails.notify.troubles import Troubles
from guardrails.values import ApprovalRequest

PATIENCE_S = 60.0


class Webhook(ThreadingHTTPServer):
    """Keeps what is posted to it. It answers with `status`, once `open` is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Posting)
        self.status, self.open, self.posted = 200, threading.Event(), []
        self.paths = []
        self.open.set()
        self.url = f"http://127.0.0.1:{self.server_port}/services/SECRET"


class Posting(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.paths.append(self.path)
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.open.wait(PATIENCE_S)
        self.send_response(self.server.status)
        self.send_header("Location", self.server.url)
        self.end_headers()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def webhook():
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.open.set()
        server.shutdown()


def flushed(guard):
    assert guard.notices.flush(PATIENCE_S)


def denied(call, *machines):
    with pytest.raises(guardrails.CallDenied) as caught:
        call(InstanceIds=[*machines])
    return caught.value.decision


def place(**given):
    (made,) = load({"notify": [given]}).notify
    return made


def test_every_place_gets_a_save(site, aws, install, webhook, tmp_path, log):
    """A call on the live cluster is blocked, and each place gets one notice of it; an innocent one arrives silently."""
    topic = aws.client("sns").create_topic(Name="saves")["TopicArn"]
    aws.clear()
    file = tmp_path / "notice.json"
    guard = install(
        notify=[
            {"to": "webhook", "url": webhook.url},
            {"to": "eventbridge"},
            {"to": "sns", "topic": topic, "on": ["save"]},
            {"to": "command", "command": ["sh", "-c", f"cat > {file}; echo $GUARDRAILS_NOTICE >> {file}"]},
            {"to": "webhook", "url": webhook.url, "on": ["freeze"]},
        ]
    )
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    decision = denied(site.ec2.terminate_instances, site.blue.instance_ids[0])
    flushed(guard)
    assert (aws.count("TerminateInstances"), aws.count("PutEvents"), aws.count("Publish")) == (1, 1, 1)
    (message,) = webhook.posted
    assert decision.id in message["text"]
    assert "Rule live-cluster/terminate" in message["blocks"][1]["text"]["text"]
    document, marker = file.read_text().rsplit("}", 1)
    notice = json.loads(document + "}")
    assert (notice["event"], notice["decision_id"], notice["live_clusters"]) == ("save", decision.id, ["blue"])
    assert (notice["operation"], notice["rules"]) == ("TerminateInstances", ["live-cluster/terminate"])
    assert marker == "1\n"
    # The guard's own calls are neither judged nor logged.
    assert len(log.read_text().splitlines()) == 2


def test_what_is_no_save(site, aws, install, webhook):
    """A blocked call that names nothing live, and one that is sent with a warning, send no notice."""
    guard = install(notify=[{"to": "webhook", "url": webhook.url}])
    denied(site.ec2.terminate_instances, "i-0123456789abcdef0")
    guardrails.uninstall()
    flushed(guard)
    guard = install(mode="warn", notify=[{"to": "webhook", "url": webhook.url}])
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    flushed(guard)
    assert webhook.posted == []
    assert aws.count("StopInstances") == 1


def test_a_loop_is_one_notice_and_a_number(site, aws, install, webhook):
    """500 calls of a loop over machines are one notice at once and one more with the number of the others."""
    guard = install()
    made = [guard.check(site.ec2, "StopInstances", InstanceIds=[each]) for each in site.blue.instance_ids[:2]]
    other = guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.blue.instance_ids[0]])
    sender = Sender(load({"notify": [{"to": "webhook", "url": webhook.url}]}))
    for number in range(500):
        sender.blocked(made[number % 2])
    sender.blocked(other)
    assert sender.flush(PATIENCE_S)
    texts = [message["text"] for message in webhook.posted]
    assert ["TerminateInstances on" in text for text in texts] == [False, True, False]
    assert ["newest of 499" in text for text in texts] == [False, False, True]


def test_one_a_minute():
    """What is alike goes out once a minute with its number; after a quiet minute the next goes out at once."""
    grouping, notice = Grouping(60), partial(Notice, "save", "a", 0.0)
    assert grouping.add(notice(("x",)), 0)
    assert grouping.add(notice(("y",)), 0)
    assert [grouping.add(notice(("x",)), second) for second in (1, 30, 59)] == [None] * 3
    assert list(grouping.due(59)) == []
    assert [(each.alike, each.count) for each in grouping.due(60)] == [(("x",), 3)]
    assert grouping.add(notice(("x",)), 100) is None
    assert [each.count for each in grouping.due(120)] == [1]
    assert list(grouping.due(180)) == []
    assert grouping.wait_s(180) is None
    assert grouping.add(notice(("x",)), 181)


def test_no_call_waits(site, aws, install, webhook):
    """While a webhook does not answer, calls are decided as ever; the end of the program waits for a moment only."""
    webhook.open.clear()
    guard = install(notify=[{"to": "webhook", "url": webhook.url, "timeout_s": 60}])
    for machine in site.blue.instance_ids:
        denied(site.ec2.stop_instances, machine)
    site.ec2.stop_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("StopInstances") == 1
    assert not guard.notices.flush(0.01)
    webhook.open.set()
    flushed(guard)
    assert len(webhook.posted) == 2


def test_a_full_queue_drops_notices_and_counts_them(tmp_path, caplog):
    """More notices than the queue holds are dropped, counted, and said once; those in it arrive."""
    troubles, going, sent = Troubles(tmp_path / "notices.json"), threading.Event(), []

    def deliver(notice):
        going.wait(PATIENCE_S)
        sent.append(notice)

    outbox = Outbox("slow", deliver, troubles)
    for number in range(1200):
        outbox.put(partial(Notice, "save", "a", 0.0, (number,)))
    seen = outbox.flush()
    going.set()
    assert seen(PATIENCE_S)
    assert 1000 <= len(sent) <= 1001
    assert sum("were dropped" in record.message for record in caplog.records) == 1


def test_failures_are_counted_and_said_once(site, aws, install, webhook, caplog, tmp_path):
    """A place that refuses: the caller sees its own denial only, one warning without the secret, and the doctor."""
    webhook.status = 403
    guard = install(notify=[{"to": "webhook", "url": webhook.url}, {"to": "eventbridge"}])
    # moto accepts every event.
    aws.reply("PutEvents", '{"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Throttled", "ErrorMessage": "later"}]}')
    denied(site.ec2.stop_instances, site.blue.instance_ids[0])
    denied(site.ec2.terminate_instances, site.blue.instance_ids[0])
    flushed(guard)
    said = [record.message for record in caplog.records if "notice" in record.message]
    assert len(said) == 1
    found = list(of_doctor.examine(guard.settings))
    assert [finding.state for finding in found] == ["note", "note"]
    assert "2 notices did not arrive" in found[0].sentence
    assert "HTTP status 403" in found[0].sentence
    assert "Throttled" in found[1].sentence
    assert "SECRET" not in " ".join((*said, *(finding.sentence for finding in found), repr(guard.settings)))
    webhook.status = 200
    denied(site.ec2.reboot_instances, site.blue.instance_ids[0])
    flushed(guard)
    assert [finding.state for finding in of_doctor.examine(guard.settings)] == ["ok", "note"]


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ({"to": "webhook"}, 302, "HTTP status 302"),
        ({"to": "webhook"}, 500, "HTTP status 500"),
        ({"to": "webhook", "url": "http://127.0.0.1:9/services/SECRET"}, 0, "cannot be reached"),
        ({"to": "webhook", "url_env": "NOT_SET"}, 0, "set the variable NOT_SET"),
        ({"to": "command", "command": ["false"]}, 0, "exit code 1"),
        ({"to": "command", "command": ["/no/such"]}, 0, "could not be started"),
        ({"to": "command", "command": ["sleep", "600"], "timeout_s": 0.1}, 0, "did not end within 0.1 s"),
        ({"to": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:gone"}, 0, "NotFound"),
        ({"to": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:t", "profile": "none"}, 0, "profile"),
    ],
)
def test_what_did_not_arrive(given, status, why, aws, webhook):
    """Each way to fail is a sentence with its reason, and without the address of a webhook."""
    webhook.status = status
    if given == {"to": "webhook"}:
        given = {**given, "url": webhook.url}
    with pytest.raises(NotDelivered, match=why) as caught:
        targets.deliverer(place(**given))(Notice("test", "a", 0.0))
    assert "SECRET" not in str(caught.value)


def test_slack_reads_no_markup():
    """Names from outside neither notify a channel nor make a link, and a long text is cut where Slack refuses it."""
    message = targets.slack(Notice("save", "<!channel> & <https://a|b>" + "x" * 5000, 0.0))
    block = message["blocks"][1]["text"]["text"]
    assert block.startswith("&lt;!channel&gt; &amp; &lt;https://a|b&gt;")
    assert len(block) < 3000
    assert "<" not in message["text"]


def test_break_glass(site, aws, install, webhook):
    """A broken glass sends a notice with its reason and rules; the call that it lets pass sends none."""
    guard = install(notify=[{"to": "webhook", "url": webhook.url}])
    with guardrails.break_glass(reason="INC-42", rules=["live-cluster/stop"], minutes=5):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    flushed(guard)
    (message,) = webhook.posted
    assert "live-cluster/stop set aside until" in message["text"]
    assert "Reason: INC-42" in message["text"]
    assert aws.count("StopInstances") == 1


def test_an_approval_that_is_asked_for(site, install, webhook):
    """A blocked call that a second person may approve sends a notice with the command; repeated, it is grouped."""
    guard = install()
    request = ApprovalRequest("a1b2", "digest", ("live-cluster/stop",), ("i-1",), "StopInstances on i-1", 0.0, "ann")
    decision = guard.check(site.ec2, "StopInstances", InstanceIds=[site.blue.instance_ids[0]])
    sender = Sender(load({"notify": [{"to": "webhook", "url": webhook.url, "on": ["approval"]}]}))
    sender.blocked(decision)
    sender.blocked(evolve(decision, approval=request))
    sender.blocked(evolve(decision, approval=request))
    assert sender.flush(PATIENCE_S)
    texts = [message["text"] for message in webhook.posted]
    assert len(texts) == 2
    assert "StopInstances on i-1. Rules: live-cluster/stop." in texts[0]
    assert 'guardrails approve a1b2 --reason "…"' in texts[0]


def stop(site, machine):
    denied(site.ec2.stop_instances, machine)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_sends_its_own(site, aws, install, webhook):
    """A child that is forked after a notice, and ends at once, has its notice sent; the parent's go on."""
    guard = install(notify=[{"to": "webhook", "url": webhook.url}])
    denied(site.ec2.terminate_instances, site.blue.instance_ids[0])
    flushed(guard)
    child = multiprocessing.get_context("fork").Process(target=stop, args=(site, site.blue.instance_ids[0]))
    child.start()
    child.join(PATIENCE_S)
    assert child.exitcode == 0
    denied(site.ec2.reboot_instances, site.blue.instance_ids[0])
    flushed(guard)
    texts = " ".join(message["text"] for message in webhook.posted)
    assert [texts.count(name) for name in ("Blocked before it reached AWS", "StopInstances on")] == [3, 1]


def test_what_a_command_starts(site, aws, install, webhook, monkeypatch, tmp_path):
    """A guarded program that a notice starts does not start it again; everything else it sends, the marker or not."""
    monkeypatch.setenv(targets.MARKER, "1")
    file = tmp_path / "started"
    guard = install(notify=[{"to": "webhook", "url": webhook.url}, {"to": "command", "command": ["touch", str(file)]}])
    denied(site.ec2.stop_instances, site.blue.instance_ids[0])
    flushed(guard)
    assert len(webhook.posted) == 1
    assert not file.exists()


def test_an_address_is_not_logged(webhook, monkeypatch, caplog):
    """With everything logged, a webhook's path is in no line; requests of others still are. A line end is no path."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HOOK", f"{webhook.url}\n")
    targets.deliverer(place(to="webhook", url_env="HOOK"))(Notice("test", "a", 0.0))
    assert webhook.paths == ["/services/SECRET"]
    assert "SECRET" not in caplog.text
    urllib3.PoolManager().request("GET", webhook.url.replace("SECRET", "public"))
    assert "/services/public" in caplog.text


def test_a_thread_that_cannot_start_now(tmp_path, monkeypatch):
    """Where the host has no thread left, the next notice starts it; what waits at the end without one is counted."""
    sent, file = [], tmp_path / "notices.json"

    def none_left(_self):
        raise RuntimeError("can't start new thread")

    outbox = Outbox("place", sent.append, Troubles(file))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        outbox.put(partial(Notice, "save", "a", 0.0, (1,)))
        lost = Outbox("other", sent.append, Troubles(file))
        lost.put(partial(Notice, "save", "a", 0.0, (1,)))
        assert not lost.flush()(PATIENCE_S)
    outbox.put(partial(Notice, "save", "a", 0.0, (2,)))
    assert outbox.flush()(PATIENCE_S)
    assert len(sent) == 2
    assert "other" in file.read_text()


def test_the_command_line_tries_every_place(webhook, tmp_path, monkeypatch):
    """`guardrails notify test` sends one notice to each place, names those that refuse, and ends with 1 then."""
    monkeypatch.setenv("HOOK", webhook.url)
    file = tmp_path / "guardrails.toml"
    file.write_text('[[notify]]\nto = "webhook"\nurl_env = "HOOK"\n[[notify]]\nto = "command"\ncommand = ["false"]\n')
    arguments = ["notify", "--config", str(file), "test"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "webhook $HOOK: it took the notice",
        "command false: command false ended with exit code 1",
    ]
    assert "This is a test of guardrails" in webhook.posted[0]["text"]
    file.write_text("")
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, "no place for notices is configured" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (
            '[[notify]]\nto = "sms"',
            ":2: `notify.to` contains 'sms'; each item must be one of eventbridge, sns",
        ),
        ('[[notify]]\nto = "sns"', "each item must have `topic` beside it"),
        ('[[notify]]\nto = "webhook"', "each item must have `url` or `url_env` beside it"),
        ('[[notify]]\nto = "webhook"\nurl = "SECRET"', "be an address that starts with https://"),
        ('[[notify]]\nto = "sns"\ntopic = "saves"', "must be the ARN of an SNS topic"),
        ('[[notify]]\nto = "eventbridge"\ncommand = ["x"]', 'must be left out, because `to` is "eventbridge"'),
        ('[[notify]]\nto = "eventbridge"\non = ["saves"]', "each item must be one of save, approval"),
    ],
)
def test_a_wrong_place_is_one_sentence(toml, sentence, tmp_path):
    """What cannot work is an error at load, with file, line and what to write; it does not quote an address."""
    file = tmp_path / "guardrails.toml"
    file.write_text(toml)
    with pytest.raises(guardrails.ConfigError) as caught:
        load(file)
    assert sentence in str(caught.value)
    assert "SECRET" not in str(caught.value)

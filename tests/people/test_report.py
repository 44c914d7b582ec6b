"""`guardrails report`: what the page says is what is in the log, and it fetches nothing."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.cli import decisions
from guardrails.cli.app import app
from guardrails.record.entries import Entry
from guardrails.report import decision_page, page
from guardrails.report import tally as made_tally
from guardrails.report.tally import Times
from guardrails.show.timeline import Activity, timeline


@pytest.fixture
def story(site, aws, install, log):
    """A log: two calls on blue blocked, a rule in dryrun, one call in broken glass, one the guard could not decide."""
    install(enforcement={"network/subnet": "dryrun"})
    ec2 = site.ec2
    for call in (
        lambda: ec2.stop_instances(InstanceIds=list(site.blue.instance_ids[:2])),
        lambda: ec2.terminate_instances(InstanceIds=[*site.blue.instance_ids, site.green.instance_ids[0]]),
    ):
        with pytest.raises(guardrails.CallDenied):
            call()
    ec2.modify_subnet_attribute(SubnetId=site.subnet, MapPublicIpOnLaunch={"Value": False})
    with guardrails.break_glass(reason="INC-7: <b>disk</b>", rules=["live-cluster/stop"]):
        ec2.stop_instances(InstanceIds=[site.blue.instance_ids[2]])
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "no")
    with pytest.raises(guardrails.GuardUnavailable):
        ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    return [json.loads(line) for line in log.read_text().splitlines()]


def report(log, *arguments, code=0):
    done = CliRunner().invoke(app, ["report", "--log", str(log), *arguments])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def test_the_counts(story, log):
    """Every number is that of the log."""
    found = json.loads(report(log, "--format", "json"))
    assert (found["decisions"], found["blocked"], found["undecided"], found["warned"]) == (5, 2, 1, 1)
    assert found["denials"]["by_rule"]["live-cluster/terminate"] == 1
    assert found["denials"]["by_rule"]["live-cluster/stop"] == 1
    assert sum(found["denials"]["by_program"].values()) == sum(found["denials"]["by_principal"].values()) == 3
    assert found["near_misses"] == 2
    assert found["shadow_rules"] == {"network/subnet": 1}
    assert [(one["reason"], one["calls"]) for one in found["break_glass"]] == [("INC-7: <b>disk</b>", 1)]
    assert "DescribeAddresses" in next(iter(found["undecided_because"]))
    assert found["latency_ms"]["verdict"]["50"] > 0
    lookups = [one["custom"]["lookups"] for one in story]
    minutes = {one["timestamp"][:16] for one in story}
    per_minute = [sum(n for n, one in zip(lookups, story, strict=True) if one["timestamp"][:16] == m) for m in minutes]
    assert found["lookups"]["per_decision"]["100"] == max(lookups) > 0
    assert found["lookups"]["busiest_minute"]["lookups"] == max(per_minute)
    assert found["lookups"]["busiest_minute"]["allowed"] == 600
    assert (found["from"], found["to"]) == (story[0]["timestamp"], story[-1]["timestamp"])


def test_the_page(story, log, tmp_path, site):
    """The page has every part, the worst near miss first, and fetches and runs nothing; what is logged is escaped."""
    out = tmp_path / "report.html"
    report(log, "-o", str(out))
    html = out.read_text()
    for said in ("5 calls that could hurt a cluster", "<svg", "Near misses (2)", "Denials by rule",
                 "Denials by program", "Denials by principal", "Hits of rules in dryrun", "Break glass",
                 "could not decide", "Time per decision", "AWS allows 600 a minute"):  # fmt: skip
        assert said in html, said
    assert "INC-7: &lt;b&gt;disk" in html
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", html)
    assert html.index("TerminateInstances in") < html.index("StopInstances in")
    # In the table below the worst: the ids and the rules.
    row = html[html.index("StopInstances in") :].partition("</tr>")[0]
    assert site.blue.instance_ids[0] in row
    assert "live-cluster/stop" in row


def test_the_blast_radius(story, log, site):
    """For one decision: each cluster, the machines and addresses hit, and what would have remained."""
    html = report(log, "--id", story[1]["decision_id"][:12], "-o", "-")
    blue, green = html.split("<section")[1:]
    assert "LIVE" in blue
    assert blue.count('class="sq hit"') == 3
    assert 'class="sq"' not in blue
    for address in site.blue.public_ips:
        assert f'<code class="hit-text">{address}</code>' in blue
    assert "3 of 3 running would go down, 0 would remain; 2 of 2 addresses would stop answering" in blue
    assert "not live" in green
    assert green.count('class="sq hit"') == 1
    assert green.count('class="sq"') == 1
    assert "1 of 2 running would go down, 1 would remain" in green
    assert site.blue.instance_ids[0] in blue
    # Whatever a cluster is called, the live one is marked by a word and a frame, not by a colour.
    assert '<span class="tag live">LIVE</span>' in blue
    assert 'Rule <code class="id">live-cluster/terminate</code>' in html
    assert "Instead: Check the ids" in html


@pytest.mark.parametrize("mode", ["warn", "dryrun"])
def test_what_the_mode_let_pass(mode, site, install, log, tmp_path):
    """In mode "warn" and "dryrun" the page tells what was sent though a rule denies it, and the worst of it."""
    install(mode=mode)
    site.ec2.stop_instances(InstanceIds=list(site.blue.instance_ids[:2]))
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    found = json.loads(report(log, "--format", "json"))
    assert (found["decisions"], found["blocked"], found["let_pass"], found["warned"]) == (2, 0, 1, 0)
    assert found["let_pass_by_rule"] == {"live-cluster/stop": 1}
    html = report(log, "-o", "-")
    assert "1 sent although a rule denies them, because of the mode" in html
    assert f"Sent anyway, because mode was &#39;{mode}&#39;" in html
    assert 'Rule <code class="id">live-cluster/stop</code>' in html
    assert "Near misses" not in html


def test_a_turn_that_comes_too_late_is_counted(site, install, log):
    """A call that pacing refuses has its rule in the log, the report and `guardrails log`."""
    install(pacing={"share": 0.01, "max_wait_s": 0.1})
    machines = [site.green.instance_ids[0]]

    def many():
        for _ in range(9):
            site.ec2.start_instances(InstanceIds=machines)

    with pytest.raises(guardrails.CallDenied, match="pacing/rate-limit"):
        many()
    assert json.loads(report(log, "--format", "json"))["denials"]["by_rule"] == {"pacing/rate-limit": 1}
    entry = json.loads(log.read_text().splitlines()[-1])
    # What the policies said stays what they said.
    assert entry["result"]["violations"] == []


def test_who_could_not_be_decided_on(story, log):
    """A call that the guard could not decide on counts for its program, and its look-ups' time is in the figures."""
    found = json.loads(report(log, "--format", "json"))
    assert "?" not in found["denials"]["by_program"]
    assert story[-1]["metrics"]["timer_guardrails_lookup_ns"] > 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
def test_percentiles(times):
    """At least so many percent took at most so long, and no smaller time will do."""
    kept = Times()
    for milliseconds in times:
        kept.add(milliseconds)
    for share in (50, 95):
        value = kept.percentile(share)
        assert sum(time <= value for time in times) * 100 >= share * len(times)
        assert sum(time < value for time in times) * 100 < share * len(times)
    assert kept.percentile(100) == max(times)


def test_every_time_counts(monkeypatch):
    """Of more times than are kept the later ones have the same chance, and the longest is never lost."""
    monkeypatch.setitem(Times.add.__globals__, "_TIMES", 200)
    kept = Times()
    for milliseconds in [1.0] * 1000 + [99.0] * 9000 + [500.0]:
        kept.add(milliseconds)
    assert kept.percentile(50) == 99.0
    assert kept.percentile(100) == 500.0


def test_rotated_files_belong_to_a_log(story, log):
    """`--log` reads the rotated files of a log as well."""
    lines = log.read_text().splitlines(keepends=True)
    log.with_name(f"{log.name}.1").write_text("".join(lines[:3]))
    log.write_text("".join(lines[3:]))
    assert json.loads(report(log, "--format", "json"))["decisions"] == len(lines)


def test_an_entry_of_another_age(log):
    """An entry dated 1970 does not push today out of the timeline."""
    entry = {"decision_id": "d", "custom": {"sent": True}}
    times = ("1970-01-01T00:00:00.000Z", "2026-11-24T15:22:00.000Z")
    log.write_text("".join(json.dumps({**entry, "timestamp": time}) + "\n" for time in times))
    html = report(log, "-o", "-")
    (first, last) = re.search(r"<title>(\S+) to (\S+): 1 decision<", html).groups()
    assert first <= "2026-11-24" <= last
    assert "<title>1970" not in html


def test_half_a_surrogate_pair(log, tmp_path):
    """What is no character does not keep a page from being written."""
    log.write_text('{"decision_id": "d", "input": {"caller": {"program": "\\ud800"}}, "custom": {"sent": false}}\n')
    report(log, "-o", str(tmp_path / "page.html"))
    assert "What the guard did" in (tmp_path / "page.html").read_text()


def test_nothing_was_decided(log):
    """An empty log is a page that says so."""
    log.write_text("")
    assert "No decisions." in report(log, "-o", "-")


def test_a_call_on_a_subnet(story, log, site):
    """A call that names no machine shows the subnet that it hits, under every cluster in it."""
    html = report(log, "--id", story[2]["decision_id"], "-o", "-")
    assert html.count(f'<code class="might-text">{site.subnet}</code>') == 2
    assert html.count("its machines might be cut off") == 2
    # One of them in the legend.
    assert html.count('class="sq might"') == 3 + 2 + 1
    assert "would remain" not in html


def test_many_machines(log):
    """A thousand machines are squares that each stand for several."""
    entry = {
        "decision_id": "d", "timestamp": "2026-11-24T15:22:00.000Z", "custom": {"sent": False},
        "input": {
            "call": {"effects": ["terminate"]},
            "clusters": {"blue": {"live": True, "running": 1000, "total": 1000, "remaining": 500}},
            "targets": {
                f"i-{n}": {"role": "target", "type": "instance", "clusters": ["blue"], "resolved": True}
                for n in range(500)
            },
        },
    }  # fmt: skip
    log.write_text(json.dumps(entry) + "\n")
    html = report(log, "--id", "d", "-o", "-")
    assert "a square stands for 17 machines" in html
    assert html.count('class="sq hit"') == 30 + 1


def test_since(story, log):
    """`--since` leaves out what is older, as an age or a date."""
    assert json.loads(report(log, "--format", "json", "--since", "1h"))["decisions"] == 5
    assert json.loads(report(log, "--format", "json", "--since", "2999-01-01"))["decisions"] == 0
    assert "No such" not in report(log, "--since", "2999-01-01", "-o", "-")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "soon"), "give an age"),
        (("--since", "200000w"), "give an age"),
        (("--since", "0001-01-01T00:00:00+14:00"), "give an age"),
        (("--id", "nothing"), "no such decision"),
        (("-o", "/proc/none/report.html"), "cannot be written"),
    ],
)
def test_slips(story, log, arguments, said):
    """A slip is one sentence and exit code 2."""
    assert said in report(log, *arguments, code=2)


def test_no_log(tmp_path):
    """A log that is not there is named."""
    assert "no such decision log" in report(tmp_path / "none.jsonl", code=2)


KEYS = st.sampled_from(
    ["custom", "sent", "unavailable", "enforcement", "input", "call", "operation", "caller", "program", "clusters",
     "targets", "role", "target", "instance", "type", "blue", "live", "sources", "running", "total", "remaining",
     "public_ips", "subnets", "break_glass", "rules", "reason", "result", "violations", "rule", "action", "metrics",
     "timer_rego_query_eval_ns", "timestamp", "requested_by"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.text(max_size=5) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(KEYS, JSON), max_size=4))
def test_any_json_in_a_log(documents):
    """Whatever objects a log holds, there is a page, and a picture of each."""
    entries = [Entry({"decision_id": str(number), **document}) for number, document in enumerate(documents)]
    found = made_tally(entries)
    assert found.decisions == len(entries)
    assert "What the guard did" in page(found, "x")
    json.dumps(found.document())
    for entry in entries:
        assert "Blast radius" in decision_page(entry)


def test_anything_in_a_log(log):
    """Lines that are no decisions, and decisions without facts, are left out or shown as far as they go."""
    log.write_text('garbage\n{"decision_id": 1}\n{"decision_id": "x", "input": {"clusters": [], "targets": 3}}\n')
    found = json.loads(report(log, "--format", "json"))
    assert (found["decisions"], found["unreadable"]) == (2, 1)
    assert "impact on clusters was not looked up" in report(log, "--id", "x", "-o", "-")


@pytest.mark.parametrize(
    ("times", "bars", "ticks"),
    [
        ([f"2023-10-09T15:{minute:02}" for minute in range(60)], 60,
         ["15:00", "15:10", "15:20", "15:30", "15:40", "15:50"]),
        (["2023-10-09T15:22"], 1, ["15:25", "15:30", "15:35"]),
        (["2023-10-08T20:00", "2023-10-09T08:00"], 2, ["20:00", "22:00", "9 Oct", "02:00", "04:00", "06:00"]),
        ([f"2023-10-{day:02}T12:00" for day in range(1, 32)], 31, ["5 Oct", "12 Oct", "19 Oct", "26 Oct"]),
        (["2023-01-01T00", "2023-12-31T00"], 2, ["Jan 2023", "Apr 2023", "Jul 2023", "Oct 2023"]),
    ],
)  # fmt: skip
def test_the_axis(times, bars, ticks):
    """An hour has bars and ticks of minutes, a month those of days, a year those of months."""
    activity = Activity()
    for time in times:
        activity.add(time, ("decisions", "blocked"))
    drawn = timeline(activity, {"blocked": "blocked"})
    assert len(drawn.bars) == bars
    assert [tick.label for tick in drawn.ticks] == ticks


def test_very_many_minutes():
    """Counts by the minute become counts by the hour before they are too many to keep, and nothing is lost."""
    activity = Activity()
    for number in range(15_000):
        activity.add(f"2023-10-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}", ("decisions",))
    assert len(activity.counts) < 300
    assert sum(counts["decisions"] for counts in activity.counts.values()) == 15_000


def test_the_two_pages_have_files_of_their_own(story, log, tmp_path, monkeypatch):
    """Without --output, the page of one decision does not overwrite the report; the log marks break glass."""
    monkeypatch.chdir(tmp_path)
    decision = story[1]["decision_id"]
    assert report(log) == "guardrails-report.html written\n"
    assert report(log, "--id", decision) == f"guardrails-decision-{decision[:8]}.html written\n"
    assert len(list(tmp_path.glob("*.html"))) == 2
    lines = [next(decisions.lines(Entry(document), None)).plain for document in story]
    assert ["under break glass" in line for line in lines].count(True) == 1

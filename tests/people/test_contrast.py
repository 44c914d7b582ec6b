"""Every text of every page can be read in both themes: WCAG AA, measured in a real browser."""

from __future__ import annotations

import json

import nbformat
import pytest

from guardrails.policy.docs import pages as rule_book
from guardrails.policy.docs.chapters import Chapter, Definition
from guardrails.policy.replay import page as replay
from guardrails.policy.replay.tally import KINDS, ChangedDecision, ReplayTally
from guardrails.record.entries import Entry
from guardrails.report import decision_page, page, tally
from guardrails.show import html
from guardrails.show.page import Page, Section
from tests.support import pages

pytestmark = pytest.mark.usefixtures("browser")

THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


def entry(number, effects=("terminate",), **custom):
    """A decision about blue, which is live, and green, with a machine that does not run."""
    return Entry({
        "decision_id": f"d-{number}",
        "timestamp": f"2023-10-09T15:{number:02}:00.000Z",
        "requested_by": "alice",
        "bundles": {"guardrails": {"revision": "abc"}},
        "metrics": {"timer_rego_query_eval_ns": 1e6},
        "result": {"violations": [
            {"rule": "live-cluster/x", "target": "i-1", "message": "m", "remediation": "r", "action": "deny"},
            {"rule": "network/y", "target": "i-1", "message": "m", "remediation": "r", "action": "dryrun"},
        ]},
        "custom": custom,
        "input": {
            "call": {"service": "ec2", "operation": "TerminateInstances", "region": "eu-west-1", "effects": effects},
            "caller": {"program": "ops.py"},
            "break_glass": {"reason": "INC-1", "rules": ["live-cluster/x"]},
            "live": {"sources": [{"name": "eip", "clusters": ["blue"], "evidence": "blue holds 192.0.2.1"}]},
            "clusters": {
                "blue": {"live": True, "running": 3, "total": 3, "remaining": 2, "public_ips": ["192.0.2.1"]},
                "green": {"live": False, "running": 2, "total": 3, "remaining": 2, "subnets": ["subnet-1"]},
            },
            "targets": {
                "i-1": {"role": "target", "type": "instance", "clusters": ["blue"], "resolved": True},
                "subnet-1": {"role": "target", "type": "subnet", "clusters": ["green"], "resolved": True},
                "i-9": {"role": "target", "type": "instance", "resolved": False},
            },
        },
    })  # fmt: skip


ENTRIES = [
    entry(1, sent=False, action="deny"),
    entry(2, sent=False, action="deny"),
    entry(3, sent=False, action="deny", unavailable="no answer"),
    entry(4, sent=True, action="deny", mode="warn"),
    entry(5, ("network",), sent=True, action="warn", enforcement="warn"),
    entry(6, sent=True, action="allow"),
]


def report():
    return page(tally([*ENTRIES, "a line"]), "log")


def replayed():
    found = ReplayTally(approximated=1, undecided=2)
    for number, kind in enumerate(KINDS):
        time = f"2023-10-09T15:{number:02}"
        found.seen(time, "abc")
        found.change(
            ChangedDecision(kind, "d", time, "f:1", "c", "p", "who", "deny", "allow", ("a/b",), ("c/d",), (), "log")
        )
    found.seen("2023-10-09T15:09", "abc")
    found.fault("a line")
    return replay.page(found, "def", interrupted=True)


def book():
    definitions = tuple(Definition(level, "Title", "Text.") for level in ("deny", "confirm", "warn"))
    chapter = Chapter("a/b", definitions, "high", "r", "i", "avoid", "prefer", {"x.y": 1}, "warn", "f:1")
    return rule_book.html([chapter], "abc")


def unreadable(texts):
    assert texts
    return [text for text in texts if text["ratio"] < (3 if text["large"] else 4.5)]


@THEMES
@pytest.mark.parametrize(
    "made",
    [report, lambda: decision_page(ENTRIES[0]), lambda: decision_page(ENTRIES[4]), replayed, book],
    ids=["report", "blast radius", "blast radius of a warning", "replay", "rule book"],
)
def test_pages(made, dark, tmp_path):
    """No text of a page is below 4.5 : 1, or 3 : 1 where it is large."""
    assert unreadable(pages.contrasts(made(), tmp_path, dark=dark)) == []


@THEMES
@pytest.mark.parametrize("tone", ["allow", "warn", "deny", "live"])
def test_cards(tone, dark, tmp_path):
    """Nor is one of a card, in a notebook of either theme."""
    sections = (
        Section("Instead", ("Do b",)),
        Section("Machines", (), ("id", "name"), (("i-1", "x"),), frozenset((0,))),
    )
    card = html.card(Page("Title", "Subject", tone, sections, "decision d"))
    output = nbformat.v4.new_output("display_data", {"text/html": card})
    cell = nbformat.v4.new_code_cell("x", outputs=[output])
    shown = pages.of_notebook(nbformat.v4.new_notebook(cells=[cell]), "dark" if dark else "light")
    assert unreadable(pages.contrasts(shown, tmp_path, dark=dark, selector=".guardrails")) == []


def test_what_the_measure_finds(tmp_path):
    """Grey on white is found, and large grey is allowed more; a colour that lets through what is behind it counts."""
    text = "<body style='background:#fff'><p style='color:#808080'>a</p><p style='font-size:24px;color:#808080'>b</p>"
    faint = "<p style='opacity:.4'>c</p><p style='background:#000;color:#222'>d</p></body>"
    found = unreadable(pages.contrasts(text + faint, tmp_path, dark=False))
    assert [one["text"] for one in found] == ["a", "c", "d"], json.dumps(found)

"""What comes from elsewhere cannot act on the terminal or the page that shows it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import guardrails
from guardrails.cli.app import app
from guardrails.doctor.finding import Finding
from guardrails.show import html, terminal, text
from guardrails.show.page import Page, Section
from guardrails.show.printable import printable

# Clear the screen; a title of the window; the writing turned round.
EVIL = "\x1b[2J\x1b]0;owned\x07web\u202e1-a0i\r\nx\ud800"


@given(st.text(st.characters()))
def test_nothing_unprintable_is_left(anything):
    """Whatever a text holds, all of what is left of it can be printed."""
    assert printable(anything).isprintable()


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_what_can_be_printed_stays(said):
    """Letters of every language, and pictures, stay as they are."""
    assert printable(said) == said


@pytest.mark.every(1)
def test_every_form_of_a_page():
    """Plain text, HTML and rich show the escapes, and no character that acts."""
    page = Page(EVIL, EVIL, "deny", (Section("Machines", (EVIL,), ("id",), ((EVIL,),)),))
    out = Console(file=StringIO(), width=300, color_system=None)
    for one in terminal.renderables(page, 300):
        out.print(one)
    for shown in ("\n".join(text.lines(page)), html.card(page), out.file.getvalue()):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert shown.count("\\u202e") >= 4


def test_a_finding_of_the_doctor():
    """So does a finding, which may quote a process's name or a file."""
    assert Finding(EVIL, "problem", EVIL).sentence.isprintable()


def test_what_the_commands_print(tmp_path):
    """A decision log that somebody has tampered with acts on no terminal."""
    entry = {
        "decision_id": EVIL, "timestamp": EVIL, "bundles": {"guardrails": {"revision": EVIL}},
        "result": {"action": EVIL},
        "input": {"call": {"service": EVIL, "operation": EVIL, "region": EVIL}, "caller": {"program": EVIL}},
        "custom": {"enforcement": EVIL, "reason": EVIL, "sent": False},
    }  # fmt: skip
    (tmp_path / "log").write_text(json.dumps(entry) + "\n")
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "log"\n')
    config = str(tmp_path / "guardrails.toml")
    for command in (
        ["log", "--config", config],
        ["policy", "--config", config, "explain", EVIL[:4]],
        ["policy", "--config", config, "replay"],
    ):
        done = CliRunner().invoke(app, command)
        assert done.stdout, done.stderr
        assert all(line.isprintable() for line in done.stdout.split("\n")), command


def test_a_denial(site, install):
    """A name that turns writing round is an escape in the error's message and on the card."""
    machine = site.blue.instance_ids[0]
    site.ec2.create_tags(Resources=[machine], Tags=[{"Key": "Name", "Value": "web\u202e1-a0i"}])
    guard = install()
    decision = guard.check(site.ec2, "StopInstances", InstanceIds=[machine])
    assert "web\\u202e1-a0i" in decision._repr_html_()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.stop_instances(InstanceIds=[machine, "i-\u202e"])
    assert str(caught.value).isprintable()
    assert "i-\\u202e" in str(caught.value)

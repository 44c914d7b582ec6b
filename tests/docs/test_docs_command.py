"""`guardrails docs`: the pages that ship with the package, and what the architecture page says."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.cli.docs import FOLDER, index
from tests.support.environments import ROOT


def docs(*arguments):
    """The result of `guardrails docs …`, piped."""
    return CliRunner().invoke(app, ["docs", *arguments])


def test_the_index_lists_every_page():
    """Every file of the folder is in the index, each once, with the guide for policy authors."""
    names = [entry.page for entry in index()]
    assert len(set(names)) == len(names)
    assert {file.stem for file in FOLDER.glob("*.md")} - {"index"} | {"policies"} == set(names)


def test_list():
    """Without a page, the command prints one line per page; as JSON, page and summary."""
    lines = docs().stdout.splitlines()
    assert [line.split()[0] for line in lines] == [entry.page for entry in index()]
    assert max(map(len, lines)) <= 110
    assert json.loads(docs("--format", "json").stdout)[0]["page"] == "start"


@pytest.mark.parametrize("page", [file.stem for file in sorted(FOLDER.glob("*.md")) if file.stem != "index"])
def test_piped(page):
    """Piped, a page is Markdown without pictures and comments; as JSON, it is the whole file."""
    text = docs(page).stdout
    assert text.startswith("# ")
    assert "<!--" not in text
    assert "![" not in text
    assert json.loads(docs(page, "--format", "json").stdout)["text"] == (FOLDER / f"{page}.md").read_text("utf-8")


def test_the_guide_for_policy_authors():
    """`guardrails docs policies` prints the guide that lies beside the policies."""
    assert docs("policies").stdout.startswith("# Writing policies")


def test_an_unknown_page():
    """An unknown page is one sentence with a suggestion, and exit code 2."""
    done = docs("comands")
    assert done.exit_code == 2
    assert done.stderr == "guardrails: there is no page `comands`; did you mean `commands`?\n"
    assert "the pages are start, running, " in docs("zzz").stderr


def test_at_a_terminal():
    """At a terminal, a page is rendered: no Markdown syntax, no pictures, and links as the names of pages."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "guardrails", "docs", "limits"]
    with subprocess.Popen(command, stdout=slave, env=env) as process:
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:
            pass  # how Linux ends a terminal
    os.close(master)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert "What it cannot see" in text
    assert "# What" not in text
    assert "coverage.md" not in text
    assert max(len(line.rstrip("\r")) for line in text.split("\n")) <= 80


def test_architecture_names_files():
    """Every path on the architecture page exists, and its table answers twenty questions."""
    text = (FOLDER / "architecture.md").read_text("utf-8")
    paths = re.findall(r"`(guardrails/[\w./-]+)`", text)
    assert [path for path in paths if not Path(ROOT, path).exists()] == []
    assert len(re.findall(r"^\| .*\? \| `guardrails/", text, re.MULTILINE)) == 37


@pytest.mark.parametrize("page", ["commands", "agents"])
def test_the_commands_exist(page):
    """Every `guardrails …` command that a page names exists."""
    for words in re.findall(r"`guardrails ([a-z -]+)", (FOLDER / f"{page}.md").read_text("utf-8")):
        names = [word for word in words.split() if not word.startswith("-")][: 2 if words.startswith("policy ") else 1]
        done = CliRunner().invoke(app, [*names, "--help"])
        assert done.exit_code == 0, names

"""What the page on the backstop shows works, and names every kind of protection."""

from __future__ import annotations

import re
import shlex

from click.testing import CliRunner

from guardrails.backstop import kinds
from guardrails.cli import backstop_plan
from guardrails.cli.app import app
from tests.docs.test_pages import PAGES, block


def test_its_commands_protect_what_is_live(aws, tmp_path, monkeypatch):
    """The page's commands show, switch and find in order, write and compare; someone at the terminal says yes."""
    aws.start_cluster("blue", 1, addresses=1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guardrails.toml").write_text(f'[log]\npath = "{tmp_path}/log.jsonl"\n')
    monkeypatch.setattr(backstop_plan, "says_yes", lambda *_: True)
    lines = [
        line
        for start in ("plan", "policy")
        for line in block("backstop", "bash", f"guardrails backstop {start}").splitlines()
    ]
    done = [CliRunner().invoke(app, shlex.split(line)[1:]) for line in lines]
    assert [each.exit_code for each in done] == [0] * 5, [each.output for each in done]
    assert "2 to switch on" in done[0].output
    assert "2 in order" in done[2].output


def test_it_names_every_kind():
    """The page's table has each kind, and no other."""
    table = re.search(r"^\| kind \|(.*\n)+?\n", PAGES["backstop"].read_text("utf-8"), re.MULTILINE)[0].strip()
    names = [name for row in table.splitlines() for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])]
    assert sorted(names) == sorted(kind.name for kind in kinds.load())

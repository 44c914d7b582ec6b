"""guardrails.demo: its claims hold with the guard, and fail in a mode that blocks nothing."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from guardrails.demo import run
from guardrails.demo.report import Report
from guardrails.demo.stage import Stage


def play(fmt, width=80, **options):
    printed = io.StringIO()
    code = run(Console(file=printed, width=width, highlight=False), fmt, **options)
    return code, printed.getvalue()


@pytest.fixture(scope="module")
def held():
    code, printed = play("json")
    return code, json.loads(printed)


@pytest.fixture(scope="module")
def toothless():
    code, printed = play("json", mode="dryrun")
    return code, json.loads(printed)


def failed(document):
    return {claim["text"] for claim in document["claims"] if not claim["held"]}


def test_every_claim_holds(held):
    """With the shipped policies every claim holds and the exit code is 0."""
    code, document = held
    assert failed(document) == set()
    assert (code, document["held"], document["shop"]) == (0, True, "addresses")
    assert len(document["claims"]) > 20


def test_the_message_is_shown(held):
    """The denial message is a step; it names the rule and the live cluster."""
    blocked = [step for step in held[1]["steps"] if step["who"] == "guard" and "BLOCKED" in step["what"]]
    assert [
        [name in step["result"] for name in ("live-cluster/terminate", "rollback/window", "blue is live")]
        for step in blocked
    ] == [[True, False, True], [False, True, False], [True, False, False]]


def test_claims_can_fail(toothless):
    """In a mode that blocks nothing the claims about blocking fail, on the server too, and the exit code is 1."""
    code, document = toothless
    assert (code, document["held"], document["mode"]) == (1, False, "dryrun")
    assert {
        "blue by mistake: exit code (3 is blocked)",
        "blue by mistake: TerminateInstances that reached AWS",
        "blue by mistake: machines of blue",
        "blue by mistake: addresses that answer",
        "decision log: calls blocked",
    } <= failed(document)


def test_the_outage_needs_no_guard_to_fail(toothless):
    """The act without the guard is the same in any mode: its claims do not depend on the policies."""
    assert not {text for text in failed(toothless[1]) if text.startswith(("before", "no guard"))}


def test_readable_in_80_columns(monkeypatch, tmp_path):
    """The timeline fits 80 columns without colours, and the user's own AWS settings and proxies change nothing."""
    (tmp_path / "guardrails.toml").write_text('mode = "dryrun"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUARDRAILS_CONFIG", str(tmp_path / "missing.toml"))
    for key, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:1",
        "AWS_SESSION_TOKEN": "expired",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(key, value)
    code, printed = play("pretty")
    assert code == 0, printed
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.isascii()
    assert "claims held" in printed


def test_the_shop_behind_a_balancer():
    """In the second shop every claim holds, too, within 80 columns: the switch by weights, and the way back."""
    code, printed = play("pretty", shop="balancer")
    assert code == 0, printed
    assert "all 27 claims held" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.isascii()
    words = " ".join(printed.split())
    assert words.count("BLOCKED, exit code 3") == 5
    for part in ("green runs 5 machines and blue runs 6 machines", "blue is behind web-prod:80, rule default"):
        assert part in words
    assert words.count("Elastic IP") == words.count("eip: no Elastic IP found")


def test_leaves_nothing_behind(monkeypatch, tmp_path):
    """The temporary folder is gone and no file is written elsewhere, even if the story is interrupted."""
    import guardrails.demo

    def break_off(*setting):
        Stage(*setting[:-1]).set_up()
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(guardrails.demo, "SHOPS", {"addresses": break_off})
    with pytest.raises(KeyboardInterrupt):
        play("json")
    assert list(tmp_path.iterdir()) == []


def test_no_claims_is_a_failure():
    """A report without claims is a failure."""
    assert not Report(None).held


def test_the_script_does_not_know_guardrails():
    """The operator's script is plain boto3, without any code for the guard."""
    from guardrails.demo import operator_script

    text = Path(operator_script.__file__).read_text("utf-8")
    assert "guardrails" not in text
    assert "CallDenied" not in text


def test_the_script_without_a_task():
    """Without a task the operator's script prints its usage and does nothing."""
    from guardrails.demo import operator_script

    done = subprocess.run([sys.executable, operator_script.__file__], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing to do" in done.stderr

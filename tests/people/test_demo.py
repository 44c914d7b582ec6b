"""guardrails.demo: its claims hold with the guard, and fail in a mode that blocks nothing."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen
from rich.console import Console

from guardrails.demo import run
from guardrails.demo.report import Report
from guardrails.demo.stage import Stage


def play(fmt, width=80, **options):
    printed = io.StringIO()
    code = run(Console(file=printed, width=width, highlight=False), fmt, **options)
    return code, printed.getvalue()


@frozen
class Played:
    """One run with the guard: its exit code, what was printed, and the report as JSON."""

    code: int
    printed: str
    document: dict


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A run of a user with AWS settings, proxies and a configuration of their own."""
    folder, reports = tmp_path_factory.mktemp("user"), []
    (folder / "guardrails.toml").write_text('mode = "dryrun"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GUARDRAILS_CONFIG", str(folder / "missing.toml"))
        for key, value in {
            "AWS_PROFILE": "nobody",
            "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:1",
            "AWS_SESSION_TOKEN": "expired",
            "HTTP_PROXY": "http://127.0.0.1:1",
        }.items():
            patch.setenv(key, value)
        patch.setattr("guardrails.demo.Report", lambda *given: reports.append(Report(*given)) or reports[-1])
        code, printed = play("pretty")
    (report,) = reports
    return Played(code, printed, json.loads(report.as_json("enforce", "addresses")))


@pytest.fixture(scope="module")
def toothless():
    code, printed = play("json", mode="dryrun")
    return code, json.loads(printed)


def failed(document):
    return {claim["text"] for claim in document["claims"] if not claim["held"]}


def test_every_claim_holds(held):
    """With the shipped policies every claim holds and the exit code is 0."""
    document = held.document
    assert failed(document) == set()
    assert (held.code, document["held"], document["shop"]) == (0, True, "addresses")
    assert len(document["claims"]) > 20


def test_the_message_is_shown(held):
    """The denial message is a step; it names the rule and the live cluster."""
    blocked = [step for step in held.document["steps"] if step["who"] == "guard" and "BLOCKED" in step["what"]]
    assert [
        [name in step["result"] for name in ("live-cluster/terminate", "rollback/window", "blue is live")]
        for step in blocked
    ] == [[True, False, True], [False, True, False], [True, False, False]]


@pytest.mark.long
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


@pytest.mark.long
def test_the_outage_needs_no_guard_to_fail(toothless):
    """The act without the guard is the same in any mode: its claims do not depend on the policies."""
    assert not {text for text in failed(toothless[1]) if text.startswith(("before", "no guard"))}


def test_readable_in_80_columns(held):
    """The timeline fits 80 columns without colours, and the user's own AWS settings and proxies change nothing."""
    assert held.code == 0, held.printed
    assert max(map(len, held.printed.splitlines())) <= 80
    assert held.printed.isascii()
    assert "claims held" in held.printed


@pytest.mark.long
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

"""The comparison of other people's suites with the guard and without: it finds what differs, and says why.

The suites themselves run by `python -m tests.suites`; this is a small one of our own.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tests.suites import compare
from tests.suites.__main__ import PAGE, counts, put, row
from tests.suites.compare import judged
from tests.suites.running import Run, run
from tests.suites.suites import SUITES, Suite, folder_of
from tests.support.environments import NotMade

THEIRS = """
import io, socket, boto3, pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber

def client(service):
    return boto3.client(service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")

class Raw(io.BytesIO):
    def stream(self, **_):
        return iter([self.read()])

def test_governed():
    ec2 = client("ec2")
    answer = AWSResponse("http://stub", 200, {}, Raw(b"<TerminateInstancesResponse/>"))
    ec2.meta.events.register("before-send", lambda **_: answer)
    ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"])

def test_ungoverned():
    with Stubber(iam := client("iam")) as stub:
        stub.add_response("list_users", {"Users": []})
        assert iam.list_users()["Users"] == []

def test_stays_here():
    with socket.socket() as opened, pytest.raises(ConnectionRefusedError, match="not this machine"):
        opened.connect(("192.0.2.1", 80))

def test_fails():
    assert False
"""
SUITE = Suite("theirs", "theirs", "1", ("test_theirs.py",))


@pytest.fixture
def theirs(tmp_path):
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    return tmp_path


def outcomes(made):
    return {test.partition("::")[2]: note["outcome"] for test, note in made.tests.items()}


def test_what_differs_is_the_denied_call(theirs, monkeypatch):
    """With the guard the governed call of a suite is denied, with the rule; nothing else differs, nor in dry-run."""
    runs = {mode: run(SUITE, theirs, mode, python=sys.executable, workers=0) for mode in ("", "enforce", "dryrun")}
    without = {"test_governed": "passed", "test_ungoverned": "passed", "test_stays_here": "passed"}
    without["test_fails"] = "failed"
    assert outcomes(runs[""]) == without
    assert outcomes(runs["enforce"]) == {**without, "test_governed": "failed"}
    monkeypatch.setattr(compare, "run", lambda suite, folder, mode, only: runs[mode])
    made = judged(SUITE, theirs, runs[""], runs["enforce"])
    assert [one.test for one in made.differences] == ["test_theirs.py::test_governed"]
    assert "the guard denied ec2:TerminateInstances" in made.differences[0].why
    assert (made.denied, made.same_in_dryrun, made.unexplained) == (1, 1, [])
    assert row(made).endswith("| 1 by denials, 1 of them the same in dry-run |")


def notes(**outcomes_by_test):
    return {test: {"outcome": outcome, "why": "", "denied": []} for test, outcome in outcomes_by_test.items()}


def test_a_difference_without_a_reason_is_found(monkeypatch, tmp_path):
    """A test that ends otherwise, or does not run, is unexplained, but for one that differs by itself."""
    without = Run(notes(a="passed", b="passed", c="passed", d="failed"), 1)
    guarded = Run(notes(a="failed", b="passed", c="failed"), 1)
    monkeypatch.setattr(
        compare, "run", lambda *_, **__: SimpleNamespace(tests=notes(a="passed", c="failed", d="failed"))
    )
    made = judged(SUITE, tmp_path, without, guarded)
    assert [(one.test, one.guarded) for one in made.unexplained] == [("a", "failed"), ("d", "not run")]
    assert [one.test for one in made.differences if one.why == compare.BY_ITSELF] == ["c"]
    assert counts(without) == "3 passed, 1 failed"


def test_a_suite_without_tests_says_so():
    """A project whose sdist has no tests is named, with the option that helps."""
    boto3 = next(suite for suite in SUITES if suite.name == "boto3")
    with pytest.raises(NotMade, match="--source"):
        folder_of(boto3, {})


def test_a_suite_that_ran_alone():
    """Its line of the page's table is written, and those of the other suites stay."""
    page = PAGE.read_text("utf-8")
    assert put({}, page) == page
    (removed, added) = set(page.splitlines()) ^ set(put({"boto3": "| boto3 of boto3 1 | new | | |"}, page).splitlines())
    assert {removed, added} >= {"| boto3 of boto3 1 | new | | |"}
    assert {line.split()[1] for line in (removed, added)} == {"boto3"}

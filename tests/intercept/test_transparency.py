"""The guard goes unnoticed: with and without it, legitimate calls give the same results and errors, and send the same.

Each kind is run twice in the same world. What is compared is what the script sees, and every byte on the wire but
times, signatures and random ids.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess

import botocore.endpoint
import pytest
from moto import mock_aws

from tests.support.environments import ROOT
from tests.transparency.cases import ASYNCHRONOUS, KINDS
from tests.transparency.control import Inside, Local
from tests.transparency.registry import Kind
from tests.transparency.stage import Installed, play

pytestmark = pytest.mark.every(3)


def kinds(**wanted: object) -> list:
    """Parameters: the kinds with these attributes; a known difference must stay until it is fixed."""
    return [
        pytest.param(
            kind, id=kind.name, marks=[pytest.mark.xfail(strict=True, reason=kind.differs)] * bool(kind.differs)
        )
        for kind in KINDS.values()
        if all(getattr(kind, name) == value for name, value in wanted.items())
    ]


@pytest.fixture(scope="module")
def control(_server):
    made = Local(_server)
    yield made
    made.tap.stop()


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    # A thousand images in each new account are what takes longest.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture(scope="module")
def guard(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("log"))


@pytest.fixture
def inside(_server, monkeypatch):
    """Clients that moto answers inside the process."""
    from moto.core.botocore_stubber import BotocoreStubber

    made = Inside(_server)
    original = BotocoreStubber.__call__

    def noted(stubber, event_name, request, **more):
        made.ask(request)
        found = original(stubber, event_name, request, **more)
        assert found is not None, f"moto does not answer {request.url}, which would go out"
        return found

    monkeypatch.setattr(BotocoreStubber, "__call__", noted)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield made
    made.tap.stop()


def check(kind: Kind, without: dict, guarded: dict, *, wire: bool = True) -> None:
    """Nothing differs, and the guard did what the kind says, which is mostly nothing."""
    assert without["end"] == kind.raises, without["trace"]
    if guarded["lines"] != without["lines"]:
        differing = difflib.unified_diff(
            without["lines"], guarded["lines"], "without the guard", "guarded", lineterm=""
        )
        raise AssertionError("\n".join([*list(differing)[:60], guarded["trace"]]))
    assert guarded["end"] == kind.raises
    looked_up = [re.sub(r".*(/hostedzone/)[0-9A-Z]+/", r"\1<zone>/", one) for one in guarded["looked_up"]]
    # A bucket is in the name of AWS's host, and in the path of another server's.
    looked_up = [re.sub(r"^https://(\w+)\.s3\.[^/]+/", r"/\1", one) for one in looked_up]
    looked_up = [re.sub(r"^https?://[^/]+", "", one) for one in looked_up]
    assert sorted(looked_up) == sorted(kind.looks_up)
    assert len(guarded["decisions"]) == kind.decisions
    assert without["logged"] == []
    assert len(guarded["logged"]) == kind.warns, guarded["logged"]
    assert without["marks"] == without["looked_up"] == []
    if wire:
        # Every attempt of a governed call carries its decision, and nothing else does.
        assert sorted(set(guarded["marks"])) == sorted(guarded["decisions"])


@pytest.mark.parametrize("kind", kinds())
def test_the_same_over_the_wire(aws, control, guard, tmp_path, kind):
    """Over HTTP a kind gives the same value or exception, and sends the same bytes, as without the guard."""
    without, guarded = play(kind, control, tmp_path, None), play(kind, control, tmp_path, guard)
    check(kind, without.as_json(), guarded.as_json())


@pytest.mark.parametrize("kind", kinds(inside=True))
def test_the_same_inside_the_process(aws, inside, guard, tmp_path, kind):
    """Beside moto's handlers a kind gives the same value or exception, and asks moto for the same."""
    without, guarded = play(kind, inside, tmp_path, None), play(kind, inside, tmp_path, guard)
    check(kind, without.as_json(), guarded.as_json(), wire=False)


@pytest.fixture(scope="module")
def awaited(control, tmp_path_factory, python_of):
    """The outcomes of the asynchronous kinds, by name: without the guard, and with it."""
    folder = tmp_path_factory.mktemp("aio")
    command = [python_of("aiobotocore"), "-m", "tests.transparency.aio", control.url, control.closed_url, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ASYNCHRONOUS.values(), ids=ASYNCHRONOUS)
def test_the_same_awaited(awaited, kind):
    """With aiobotocore a kind gives the same value or exception, and sends the same bytes, as without the guard."""
    check(kind, *awaited[kind.name])


class Clumsy(Installed):
    """Installs no guard, but a change of what every call does."""

    def __init__(self, folder, monkeypatch, change):
        super().__init__(folder)
        self._patch, self._change = monkeypatch, change

    def install(self):
        original = botocore.endpoint.Endpoint.make_request
        change = self._change
        self._patch.setattr(botocore.endpoint.Endpoint, "make_request", lambda *given: change(original, *given))

    def uninstall(self):
        self._patch.undo()

    def decisions(self):
        return []


def _twice(original, *given):
    original(*given)
    return original(*given)


def _with_a_header(original, endpoint, operation, request):
    request["headers"]["X-Extra"] = "1"
    return original(endpoint, operation, request)


def _with_a_body(original, endpoint, operation, request):
    request["body"]["Extra"] = "1"
    return original(endpoint, operation, request)


def _with_a_result(original, *given):
    http, parsed = original(*given)
    return http, {**parsed, "Extra": "1"}


def _with_an_error(original, *given):
    raise RuntimeError("no")


@pytest.mark.parametrize("change", [_twice, _with_a_header, _with_a_body, _with_a_result, _with_an_error])
def test_the_comparison_can_fail(aws, control, tmp_path, change):
    """An extra request, header, parameter, result or exception is found."""
    kind = KINDS["iam_users"]
    with pytest.MonkeyPatch.context() as patch:
        clumsy = Clumsy(tmp_path, patch, change)
        without, changed = play(kind, control, tmp_path, None), play(kind, control, tmp_path, clumsy)
    with pytest.raises(AssertionError, match="guarded"):
        check(kind, without.as_json(), changed.as_json())

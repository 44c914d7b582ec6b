"""Several OPA servers: one that fails is passed over within the deadline, and only the same policies may take over."""

from __future__ import annotations

import json
import time

import pytest

import guardrails
from guardrails import assembly
from guardrails.config.load import load
from guardrails.config.policy_settings import OpaSettings
from guardrails.doctor import policies as doctor
from guardrails.evaluate import bundle_file, opa_versions
from guardrails.evaluate.opa_server import OpaServer
from tests.engines.test_opa_server import build, hang
from tests.support.opa_servers import Proxy, opa_server
from tests.support.waiting import until

# Longer than any stall of the machine but for the server that hangs.
PATIENCE = 20


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def upstream(opa, built):
    """A server with the shipped policies."""
    with opa_server(opa, built) as url:
        yield url


@pytest.fixture(scope="module")
def left_behind(opa, tmp_path_factory):
    """One with an older revision of them."""
    made = assembly.policies(load({}))
    old = tmp_path_factory.mktemp("old") / "bundle.tar.gz"
    bundle_file.write(old, bundle_file.parts(made.modules.values(), made.data, "old"))
    with opa_server(opa, old) as url:
        yield url


@pytest.fixture
def proxy(upstream):
    """proxy(upstream): a proxy in front of a server, stopped at the end."""
    made = []

    def make(url=upstream):
        made.append(Proxy(url))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def guard(install, log):
    """guard(first, second, **opa): the guard on these servers."""

    def make(*servers, **opa):
        return install(engine="opa", opa={"urls": [one.url for one in servers], "timeout_s": PATIENCE, **opa})

    return make


def closed(_handler):
    """The connection ends without an answer."""


def stop_blue(site):
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])


def stop_green(site):
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])


def test_the_next_server_decides(site, aws, guard, proxy):
    """A server that closes, hangs or answers nonsense is passed over: harm is denied by a rule, the rest is sent."""
    first, second = proxy(), proxy()
    guard(first, second, timeout_s=4)
    for fault in (closed, hang, lambda handler: handler.answer(200, b'{"result": {}}')):
        first.fault = fault
        with pytest.raises(guardrails.CallDenied, match="Rule live-cluster/stop"):
            stop_blue(site)
    assert aws.count("StopInstances") == 0
    stop_green(site)
    assert aws.count("StopInstances") == 1


def test_a_failed_server_is_not_asked_on_the_way(site, guard, proxy):
    """While one server hangs only the first call waits for it; it comes back by a trial in the background."""
    first, second = proxy(), proxy()
    installed = guard(first, second, timeout_s=4)
    first.fault = hang
    stop_green(site)
    asked = first.accepted
    for _ in range(3):
        stop_green(site)
    assert first.accepted == asked
    first.fault = None
    place = installed._engine._places[0]
    assert place.failed
    place.again = 0.0
    stop_green(site)
    until(lambda: place.verified and not place.failed)


def test_no_server(site, aws, guard, proxy):
    """When no server answers, governed calls are denied with each server's reason; ungoverned calls are not asked."""
    first, second = proxy(), proxy()
    guard(first, second)
    first.fault = second.fault = closed
    with pytest.raises(guardrails.GuardUnavailable) as denied:
        stop_green(site)
    assert first.url in str(denied.value)
    assert second.url in str(denied.value)
    assert aws.count("StopInstances") == 0
    asked = first.accepted + second.accepted
    site.ec2.describe_instances()
    assert first.accepted + second.accepted == asked
    second.fault = None
    stop_green(site)


def test_an_old_server_does_not_take_over(site, aws, guard, proxy, left_behind, caplog):
    """A server with another revision is reported at install, and denies rather than decide."""
    first, old = proxy(), proxy(left_behind)
    guard(first, old)
    assert "has the policies of revision old" in caplog.text
    stop_green(site)
    first.fault = closed
    with pytest.raises(guardrails.GuardUnavailable, match=r"has the policies of revision old, and OPA at .* had"):
        stop_green(site)
    assert aws.count("StopInstances") == 1


def test_the_fallback(site, aws, guard, proxy, log, caplog):
    """With `fallback = "embedded"` the same policies decide here while no server answers, under the same revision."""
    server = proxy()
    guard(server, fallback="embedded")
    server.fault = closed
    with pytest.raises(guardrails.CallDenied, match="Rule live-cluster/stop"):
        stop_blue(site)
    stop_green(site)
    assert aws.count("StopInstances") == 1
    assert caplog.text.count("The policies in this process decide") == 1
    revisions = {json.loads(line)["bundles"]["guardrails"]["revision"] for line in log.read_text().splitlines()}
    assert revisions == {assembly.policies(load({})).revision}
    server.fault = None
    stop_green(site)


def test_the_fallback_has_other_policies(site, aws, guard, proxy, left_behind, caplog):
    """A fallback with another revision than the servers is reported at install, and does not decide."""
    server = proxy(left_behind)
    guard(server, fallback="embedded")
    assert "opa.fallback does not decide" in caplog.text
    server.fault = closed
    with pytest.raises(guardrails.GuardUnavailable, match=r"opa\.fallback does not decide"):
        stop_green(site)
    assert aws.count("StopInstances") == 0


def test_a_start_without_servers(site, aws, guard, proxy, tmp_path, monkeypatch, caplog):
    """The fallback lets a guard start while no server answers, once this host has seen its revision on the servers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = proxy()
    server.fault = closed
    with pytest.raises(guardrails.PolicyError, match=r"set opa\.fallback"):
        guard(server)
    with pytest.raises(guardrails.PolicyError, match=r"no server has answered .*engine = .embedded"):
        guard(server, fallback="embedded")
    server.fault = None
    guard(server, fallback="embedded")
    guardrails.uninstall()
    server.fault = closed
    guard(server, fallback="embedded")
    assert "which have the revision that the servers had" in caplog.text
    with pytest.raises(guardrails.CallDenied, match="Rule live-cluster/stop"):
        stop_blue(site)
    stop_green(site)
    assert aws.count("StopInstances") == 1


def test_a_start_with_other_policies_than_the_servers_had(guard, proxy, left_behind, tmp_path, monkeypatch):
    """Where this host has last seen another revision on the servers, the fallback lets no guard start."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = proxy(left_behind)
    guard(server, fallback="embedded")
    guardrails.uninstall()
    server.fault = closed
    with pytest.raises(guardrails.PolicyError, match=r"opa\.fallback does not decide: .* and those of the servers old"):
        guard(server, fallback="embedded")


def test_a_start_without_one_server(site, guard, proxy, caplog):
    """One server that is down at install is reported; the other decides. When none answers, install() says so."""
    first, second = proxy(), proxy()
    first.fault = closed
    guard(first, second)
    assert f"OPA at {first.url} cannot be reached" in caplog.text
    stop_green(site)
    guardrails.uninstall()
    second.fault = closed
    with pytest.raises(guardrails.PolicyError, match="cannot be reached"):
        guard(first, second)


def _as(version=None, matches=None):
    """What a server of this version answers, made from the real one's answer."""

    def answer(body):
        document = json.loads(body)
        if version is not None and "provenance" in document:
            document["provenance"]["version"] = version
        if matches is not None and document.get("result") is True:
            document["result"] = matches
        return json.dumps(document).encode()

    return answer


REFUSED = {
    "1.21.0": (_as("1.21.0"), "has version 1.21.0, in which rules .* never apply"),
    "1.21.5": (_as("1.21.5"), "use 1.22.1 or later"),
    "1.22.0": (_as("1.22.0"), "has version 1.22.0"),
    "1.22.0-dev": (_as("1.22.0-dev"), "has version 1.22.0-dev"),
    "0.70.0": (_as("0.70.0"), "does not read these policies"),
    "a fork with the fault": (_as("edge", matches=False), "does not find a word of the input in a set"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_versions_that_must_not_decide(guard, proxy, change, why):
    """A known bad version, and one that misses a denial of a known shape, are refused at install with the fix.

    The version in the answers of a real server is replaced: CI does not build each of them.
    """
    server = proxy()
    server.change = change
    with pytest.raises(guardrails.PolicyError, match=why):
        guard(server)


def test_a_version_that_becomes_bad(site, aws, guard, proxy):
    """A server that is replaced by a bad version while a process runs no longer decides there."""
    server = proxy()
    guard(server)
    stop_green(site)
    server.change = _as("1.22.0")
    for _ in range(2):
        with pytest.raises(guardrails.GuardUnavailable, match=r"use 1\.22\.1 or later"):
            stop_green(site)
    assert aws.count("StopInstances") == 1


@pytest.mark.parametrize(
    ("version", "signed", "words"),
    [
        ("1.20.2", True, "GHSA-g2pf-6v5v-qcc8"),
        ("1.20.2", False, ""),
        ("1.22.3", True, ""),
        ("1.22.1", True, ""),
        ("", False, "does not say which version"),
    ],
)
def test_versions_with_doubts(version, signed, words):
    """Where policies are to be signed, a version whose check can be bypassed is reported; so is an unknown one."""
    assert not opa_versions.refused(version)
    doubts = opa_versions.doubts(version, signed=signed)
    assert words in doubts
    assert bool(doubts) == bool(words)


def test_a_bundle_of_another_release(guard, proxy):
    """A bundle without the rule that is asked at install is to be built again."""
    server = proxy()
    server.change = lambda body: b"{}" if json.loads(body).get("result") is True else body
    with pytest.raises(guardrails.PolicyError, match="build it again with this one"):
        guard(server)


def test_oldest_and_newest_together(opa_versions_built, built, site, guard):
    """The oldest and the newest OPA that are supported decide alike, and take over from each other."""
    oldest, newest = opa_versions_built[0], opa_versions_built[-1]
    with opa_server(newest, built) as second:
        with opa_server(oldest, built) as first:
            made = assembly.engine(load({"engine": "opa", "opa": {"urls": [first, second], "timeout_s": PATIENCE}}))
            before = made.evaluate({}).result
        assert made.evaluate({}).result == before
        assert OpaServer(OpaSettings(url=second)).evaluate({}).result == before


def test_doctor_shows_each_server(site, guard, proxy):
    """Doctor names each server with its version and revision, and says what is wrong with one."""
    first, second = proxy(), proxy()
    installed = guard(first, second)
    second.fault = closed
    rows = [row for row in doctor.examine(installed.settings, time.time()) if row.about == "OPA server"]
    assert [row.state for row in rows] == ["ok", "problem"]
    assert f"{first.url}: OPA 1." in rows[0].sentence
    assert installed.revision in rows[0].sentence
    assert second.url in rows[1].sentence

"""The engine `opa` on a real OPA server: same answers, and a denial whatever goes wrong in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

import guardrails
from guardrails import assembly
from guardrails.config.load import load
from guardrails.config.policy_settings import OpaSettings
from guardrails.evaluate import bundle, bundle_file
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure
from guardrails.evaluate.opa_server import OpaServer
from tests.engines.documents import generated
from tests.support.opa_servers import AUTHORIZATION, Proxy, certificates, free_port, opa_server

DEADLINE = 1.0


def build(folder, **config):
    """A bundle of the shipped policies under a configuration."""
    made = assembly.policies(load(config))
    path = folder / "bundle.tar.gz"
    bundle_file.write(path, bundle_file.parts(made.modules.values(), made.data, made.revision))
    return path


@pytest.fixture(scope="module")
def server(opa, tmp_path_factory):
    """A plain server with the shipped policies."""
    with opa_server(opa, build(tmp_path_factory.mktemp("bundle"))) as url:
        yield url


@pytest.fixture
def proxy(server):
    """A proxy in front of it."""
    made = Proxy(server)
    yield made
    made.stop()


def test_it_guards(site, aws, install, log, server):
    """A call is denied and another allowed by the server's answer, whose revision and metrics are in the log."""
    guard = install(engine="opa", opa={"url": server})
    with pytest.raises(guardrails.CallDenied, match="Rule live-cluster/terminate") as caught:
        site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    assert not isinstance(caught.value, guardrails.GuardUnavailable)
    assert aws.count("TerminateInstances") == 0
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.running("green") == 0
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    revision = assembly.policies(load({})).revision
    assert {entry["bundles"]["guardrails"]["revision"] for entry in entries} == {revision} == {guard.revision}
    assert all(entry["metrics"]["timer_server_handler_ns"] > 0 for entry in entries)


def test_same_answers(server):
    """For two hundred generated inputs the server and the embedded engine return the same document."""
    there, here = OpaServer(OpaSettings(url=server)), EmbeddedEngine(assembly.policies(load({})))
    for seed in range(200):
        document = generated(seed)
        assert there.evaluate(document).result == here.evaluate(document).result


def hang(handler):
    time.sleep(30)


def trickle(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def half(handler):
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"result"')


FAULTS = {
    "hang": (hang, "gave no answer"),
    "trickle": (trickle, "gave no answer"),
    "half a body": (half, "stopped in the middle of its answer"),
    "closed": (lambda handler: None, "closed the connection"),
    "garbage": (lambda handler: handler.wfile.write(b"\x00\xff\r\n\r\n"), "closed the connection"),
    "500": (lambda handler: handler.answer(500, b'{"code":"internal_error","message":"on fire"}'), "500: on fire"),
    "503": (lambda handler: handler.answer(503, b"busy", "text/plain"), "answered 503"),
    "400": (
        lambda handler: handler.answer(400, b'{"message":"bad","errors":[{"message":"div by zero"}]}'),
        "400: bad; div by zero",
    ),
    "html": (lambda handler: handler.answer(200, b"<p>Welcome", "text/html"), "text/html instead of JSON"),
    "not json": (lambda handler: handler.answer(200, b"{'result'"), "gave an answer that is not JSON"),
    "undefined": (lambda handler: handler.answer(200, b"{}"), "is undefined on the server"),
    "a list": (lambda handler: handler.answer(200, b"[]"), "answered with something that is not an object"),
    "another shape": (lambda handler: handler.answer(200, b'{"result": {"allow": true}}'), "action is None"),
    "true": (lambda handler: handler.answer(200, b'{"result": true}'), "is not an object"),
    "a redirect": (
        lambda handler: handler.answer(302, b"", more="Location: http://127.0.0.1:9/\r\n"),
        "redirects to http://127.0.0.1:9/, which is not followed",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_blocks_within_the_deadline(site, aws, install, proxy, fault):
    """Whatever goes wrong between the guard and OPA, the call is blocked with the reason, and nothing is sent."""
    install(engine="opa", opa={"url": proxy.url, "timeout_s": DEADLINE})
    proxy.fault, words = FAULTS[fault]
    # Without a deadline the slow ones would end after half a minute, with another message.
    with pytest.raises(guardrails.GuardUnavailable) as caught:
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert words in str(caught.value)
    assert aws.count("TerminateInstances") == 0
    proxy.fault = None
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))


def test_an_unreachable_server_is_refused_at_install():
    """An unreachable server is a PolicyError, and nothing is half installed."""
    with pytest.raises(guardrails.PolicyError, match="cannot be reached"):
        guardrails.install({"engine": "opa", "opa": {"url": f"http://127.0.0.1:{free_port()}"}})


def test_a_server_without_the_policies_is_refused_at_install(opa, tmp_path):
    """An OPA without policies answers every question with nothing; it may not guard."""
    (tmp_path / "empty.rego").write_text("package empty\n")
    empty = tmp_path / "bundle.tar.gz"
    bundle_file.write(empty, bundle_file.parts(["package empty\n"], {"empty": {}}, "1"))
    with opa_server(opa, empty) as url, pytest.raises(guardrails.PolicyError, match="undefined on the server"):
        guardrails.install({"engine": "opa", "opa": {"url": url}})


def test_a_server_with_other_parameters_is_refused_at_install(server):
    """A server whose bundle was built for another configuration would protect other clusters."""
    with pytest.raises(guardrails.ConfigError, match="other parameters than this configuration: cluster_tag"):
        guardrails.install({"engine": "opa", "opa": {"url": server}, "cluster_tag": "Team"})


def test_parameters_in_part(opa, tmp_path):
    """A partly set table matches the bundle built with it; a value of another type is refused."""
    given = {"remaining": {"clusters": {"workers": {"min_running": 3}}}, "unbreakable": ("live-cluster/stop",)}
    made = assembly.policies(load({"params": given}))
    built = tmp_path / "bundle.tar.gz"
    bundle_file.write(built, bundle_file.parts(made.modules.values(), made.data, "1"))
    with opa_server(opa, built) as url:
        config = {"engine": "opa", "opa": {"url": url}, "log": {"enabled": False}}
        guardrails.Guard.from_config({**config, "params": given})
        with pytest.raises(guardrails.ConfigError, match=r"`params\.rollback_window_s` is 'x'; it must be a number"):
            guardrails.Guard.from_config({**config, "params": {**given, "rollback_window_s": "x"}})
        with pytest.raises(guardrails.ConfigError, match="other parameters than this configuration: remaining"):
            guardrails.Guard.from_config({**config, "params": {"remaining": {"clusters": {"x": {}}}}})


def test_connections_are_pooled(proxy):
    """Many questions go over one connection."""
    engine = OpaServer(OpaSettings(url=proxy.url))
    for _ in range(20):
        engine.evaluate({})
    assert proxy.accepted == 1


def test_a_forked_process_has_its_own_connections(proxy):
    """A child does not share its parent's connections."""
    engine = OpaServer(OpaSettings(url=proxy.url))
    engine.evaluate({})
    child = os.fork()
    if child == 0:
        try:
            engine.evaluate({})
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    engine.evaluate({})
    assert proxy.accepted == 2


@pytest.fixture
def secured(opa, tmp_path):
    """A server that requires a token."""
    authz = tmp_path / "authz"
    authz.mkdir()
    (authz / "authz.rego").write_text(AUTHORIZATION)
    (authz / ".manifest").write_text('{"roots": ["system/authz"]}')
    flags = ("--authentication=token", "--authorization=basic", str(authz))
    with opa_server(opa, build(tmp_path), *flags) as url:
        yield url


def test_token(secured, tmp_path, monkeypatch):
    """Only the right token is accepted, from a file or the environment, whatever .netrc says."""
    (tmp_path / "token").write_text("right\n")
    monkeypatch.setenv("OPA_TOKEN", "right")
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for how in ({"token_file": tmp_path / "token"}, {"token_env": "OPA_TOKEN"}):
        assert OpaServer(OpaSettings(url=secured, **how)).evaluate({}).result["action"] == "deny"
    monkeypatch.setenv("OPA_TOKEN", "wrong")
    for how in ({}, {"token_env": "OPA_TOKEN"}):
        with pytest.raises(EngineFailure, match="answered 401"):
            OpaServer(OpaSettings(url=secured, **how)).evaluate({})


def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    """A web proxy is not used to reach the policies."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert OpaServer(OpaSettings(url=server)).evaluate({}).result["action"] == "deny"


def test_mutual_tls(opa, tmp_path):
    """Only the right CA and certificate work; a stranger's certificate, none, or another CA does not."""
    certificates(tmp_path)

    def file(name):
        return tmp_path / name

    flags = ("--tls-cert-file", str(file("server.pem")), "--tls-private-key-file", str(file("server.key")))
    flags += ("--tls-ca-cert-file", str(file("ca.pem")), "--authentication=tls")
    with opa_server(opa, build(tmp_path), *flags, scheme="https") as url:
        right = {"ca": file("ca.pem"), "cert": file("client.pem"), "key": file("client.key")}
        assert OpaServer(OpaSettings(url=url, **right)).evaluate({}).result["action"] == "deny"
        stranger = {"cert": file("stranger.pem"), "key": file("stranger.key")}
        for wrong in ({**right, **stranger}, {"ca": file("ca.pem")}, {**right, "ca": file("otherca.pem")}, {}):
            with pytest.raises(EngineFailure):
                OpaServer(OpaSettings(url=url, **wrong)).evaluate({})


@pytest.mark.parametrize(
    ("opa_table", "words"),
    [
        ({"url": "127.0.0.1:8181"}, "must be the address of an OPA server"),
        ({"url": "http://127.0.0.1:8181/v1"}, "must be the address of an OPA server"),
        ({"url": "http://me:secret@127.0.0.1:8181"}, "not have a password; see opa.token_file"),
        ({"token_file": "missing"}, "cannot be read"),
        ({"token_env": "NOT_SET_ANYWHERE"}, "is not set"),
        ({"token_env": "TWO_LINES"}, "one line of visible ASCII; put the token alone into it$"),
        ({"ca": "missing.pem"}, "does not exist"),
        ({"timeout_s": 0}, "must be a number above 0"),
    ],
)
def test_bad_settings(opa_table, words, monkeypatch):
    """A mistake in the settings is a ConfigError that says what to do, and quotes no token."""
    monkeypatch.setenv("TWO_LINES", "SECRET\nSECRET")
    with pytest.raises(guardrails.ConfigError, match=words):
        guardrails.install({"engine": "opa", "opa": opa_table})


def test_a_built_bundle_is_the_policies(tmp_path):
    """`policy build` writes the same bytes twice; the embedded engine loads them, with the same revision."""
    (tmp_path / "guardrails.toml").write_text('cluster_tag = "Team"\n')
    command = [sys.executable, "-m", "guardrails", "policy", "build", "-o"]
    for name in ("one.tar.gz", "two.tar.gz"):
        subprocess.run([*command, name], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    config = {"cluster_tag": "Team", "log": {"enabled": False}}
    usual = guardrails.Guard.from_config(config)
    packed = guardrails.Guard.from_config({**config, "policies": [str(tmp_path / "one.tar.gz")]})
    assert packed.revision == usual.revision
    assert bundle.unpack(tmp_path / "one.tar.gz").data["guardrails"]["params"]["cluster_tag"] == "Team"


@pytest.mark.parametrize("content", [b"", b"not a tarball", b"\x1f\x8b\x08\x00broken"])
def test_a_file_that_is_not_a_bundle_is_refused(tmp_path, content):
    """A broken bundle is reported in one sentence."""
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(guardrails.PolicyError, match="is not a bundle"):
        guardrails.install({"policies": [str(path)]})


def test_a_folder_cannot_replace_what_a_bundle_has(tmp_path):
    """A bundle beside a folder with other policies of its packages would be ambiguous."""
    (tmp_path / "guardrails" / "main").mkdir(parents=True)
    (tmp_path / "guardrails" / "main" / "main.rego").write_text("package guardrails.main\n\nmore := 1\n")
    with pytest.raises(guardrails.PolicyError, match=r"the bundle has the package guardrails\.main already"):
        guardrails.install({"policies": [str(build(tmp_path)), str(tmp_path)]})

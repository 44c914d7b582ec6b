"""Policies that are fetched: only verified bundles count, the last one stays, and its age is known."""

from __future__ import annotations

import gc
import gzip
import json
import os
import random
import stat
import threading
import time

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

import guardrails
from guardrails import assembly
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.config.policy_settings import RemoteBundle
from guardrails.doctor import policies as doctor
from guardrails.errors import ConfigError, GuardrailsError, PolicyError
from guardrails.evaluate import bundle_file, configured, signature
from guardrails.evaluate.remote import kept
from guardrails.evaluate.remote.sources import Sources
from tests.engines.test_signing import key_files
from tests.support import bundle_servers
from tests.support.bundle_servers import BundleServer
from tests.support.opa_servers import certificates, secured
from tests.support.waiting import until

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
# A whole rule book that is small, so that it compiles at once: what it denies has EFFECT.
RULES = """package guardrails.main

decision := {"action": "deny", "violations": [{
	"rule": "main/no",
	"target": "x",
	"message": "It is denied.",
	"remediation": "Leave it.",
	"action": "deny",
}]} if {
	some effect in input.call.effects
	effect in {"terminate", "EFFECT"}
} else := {"action": "allow", "violations": []}
"""

# What the configuration of these tests sets, so that the revision is the bundle's own.
PARAMS = configured.params(load({"max_fact_age_s": 60}), {})


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The files of the private and the public key, and of another private key."""
    folder = tmp_path_factory.mktemp("keys")
    return (*key_files(folder, KEY), key_files(folder, OTHER, "other")[0])


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    """What one test keeps on disk is not there in the next."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def _end_the_threads(monkeypatch):
    """The thread that looks for bundles ends with its guard, some of which look 1,000 times a second.

    A look that is under way keeps what it finds where the next test has its own.
    """
    original, under_way = Sources.refresh, []

    def refresh(self, **how):
        under_way.append(self)
        try:
            original(self, **how)
        finally:
            under_way.remove(self)

    monkeypatch.setattr(Sources, "refresh", refresh)
    yield
    guardrails.uninstall()
    gc.collect()
    until(lambda: not under_way)


@pytest.fixture
def server():
    made = BundleServer()
    yield made
    made.stop()


@pytest.fixture
def pack(keys, tmp_path):
    """pack(revision, effect="none", key=…): the bytes of a bundle."""

    def make(revision, effect="none", *, key=keys[0], rules=RULES, data=None, change=None):
        files = bundle_file.parts(
            [rules.replace("EFFECT", effect)], data or {"guardrails": {"params": PARAMS}}, revision
        )
        if key is not None:
            files[bundle_file.SIGNATURES] = signature.sign(files, key)
        if change is not None:
            change(files)
        made = tmp_path / "made.tar.gz"
        bundle_file.write(made, files)
        return made.read_bytes()

    return make


@pytest.fixture
def config(keys, server, log):
    """config(**more): a configuration with the server's bundle; nobody looks again within the test."""

    def make(**more):
        bundle = {"poll_s": 3600, "timeout_s": 20, **more.pop("bundle", {})}
        return {
            "policies": [server.url],
            "policy_key": str(keys[1]),
            "bundle": bundle,
            "log": {"path": str(log)},
            "state": {"enabled": False},
            **more,
        }

    return make


def look(guard):
    """What the thread that looks for bundles does; the next decision then checks for a new one."""
    engine = guard._engine
    engine._fetched._sources.refresh(ask=True)
    engine._next = 0.0


def stops(site):
    try:
        site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    except guardrails.CallDenied as error:
        return error.decision.unavailable or {violation.rule for violation in error.decision.violations}
    return None


def test_a_new_bundle_takes_effect(site, aws, install, config, server, pack, log):
    """A bundle is fetched once; a new one acts in the running process, and the log has its revision and its check."""
    server.packed = pack("one")
    guard = install(**config())
    assert stops(site) is None
    assert (guard.revision, server.asked) == ("one", [""])
    look(guard)
    assert server.asked[1:] != [""]
    assert len(server.asked) == 2
    server.packed = pack("two", "stop")
    look(guard)
    sent = aws.count("StopInstances")
    assert stops(site) == {"main/no"}
    assert aws.count("StopInstances") == sent
    entry = json.loads(log.read_text().splitlines()[-1])
    assert entry["bundles"]["guardrails"]["revision"] == "two" == guard.revision
    assert entry["custom"]["policies_checked_at"]
    assert "policies_behind" not in entry["custom"]


def test_it_looks_by_itself(site, install, config, server, pack):
    """A running process finds a new bundle on its own, also one that makes no calls."""
    server.packed = pack("one")
    dice = random.getstate()
    guard = install(**config(bundle={"poll_s": 0.05}))
    server.packed = pack("two", "stop")
    until(lambda: guard._engine._fetched._sources.generation == 2)
    # A script that seeded its dice gets what it counts on.
    assert random.getstate() == dice
    guard._engine._next = 0.0
    assert stops(site) == {"main/no"}


def test_a_call_waits_for_no_source(site, aws, install, config, server, pack):
    """While the source hangs, governed calls are decided by the bundle in force; ungoverned ones ask for nothing."""
    server.packed = pack("one", "stop")
    guard = install(**config())
    server.fault = bundle_servers.hang
    looking = threading.Thread(target=look, args=(guard,), daemon=True)
    looking.start()
    until(lambda: len(server.asked) == 2)
    assert stops(site) == {"main/no"}
    site.ec2.describe_instances()
    assert looking.is_alive()
    assert len(server.asked) == 2
    server.stopping.set()


def wrong_file(files):
    files["policy/000.rego"] += b"\n# harmless\n"


def one_more(files):
    files["policy/more.rego"] = b"package more\n"


def unsigned(files):
    del files[bundle_file.SIGNATURES]


# What the server has next, and a part of the sentence.
REFUSED = {
    "changed": (lambda pack, _: pack("two", "stop", change=wrong_file), "was changed after it was signed"),
    "one more file": (lambda pack, _: pack("two", "stop", change=one_more), "is not among the signed files"),
    "unsigned": (lambda pack, _: pack("two", "stop", change=unsigned), "is not signed"),
    "another key": (lambda pack, keys: pack("two", "stop", key=keys[2]), "does not match the key"),
    "truncated": (lambda pack, _: pack("two", "stop")[:-40], "is not a bundle"),
    "a web page": (lambda _, __: b"<p>Welcome", "is not a bundle"),
    "nothing": (lambda _, __: b"", "is not a bundle"),
    "broken Rego": (lambda pack, _: pack("two", rules="package guardrails.main\n\nx := "), "does not load"),
    "an unknown function": (
        lambda pack, _: pack("two", rules=RULES + "\nx := unknown_function(1)\n"),
        "unknown function unknown_function",
    ),
    "the accident": (
        lambda pack, _: pack("two", rules=RULES.replace('"terminate", ', "")),
        "allow terminating a machine of the live cluster",
    ),
}


@pytest.mark.parametrize(("bad", "why"), REFUSED.values(), ids=REFUSED)
def test_a_bad_bundle_changes_nothing(site, aws, install, config, server, pack, keys, log, caplog, bad, why):
    """What is not signed, not whole or does not load is reported once; the last good one stays, at a new start too."""
    server.packed = pack("one")
    guard = install(**config())
    server.packed = bad(pack, keys)
    look(guard)
    look(guard)
    assert stops(site) is None
    assert guard.revision == "one"
    assert [why in record.message for record in caplog.records if record.levelname == "WARNING"] == [True]
    assert why in json.loads(log.read_text().splitlines()[-1])["custom"]["policies_behind"]
    guardrails.uninstall()
    assert install(**config()).revision == "one"
    assert stops(site) is None
    guardrails.uninstall()
    for file in kept.private_file.folder("bundles").iterdir():
        file.unlink()
    with pytest.raises(PolicyError, match=why):
        install(**config())


def test_a_bundle_that_unpacks_to_anything(monkeypatch):
    """A small file that unpacks to more than a bundle may have is refused before anything in it is read."""
    monkeypatch.setattr(bundle_file, "LARGEST", 100_000)
    with pytest.raises(PolicyError, match="has 100,001 bytes, more than the 100,000 allowed"):
        bundle_file.unpacked("https://rules/b", gzip.compress(bytes(1_000_000)))


def test_an_old_bundle_is_not_put_back(site, install, config, server, pack):
    """A bundle signed before the one in force is refused, after a new start as well; signed again it counts."""
    now = time.time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("guardrails.evaluate.signature.time.time", lambda: now - 100)
        old = pack("old")
    server.packed = pack("new", "stop")
    guard = install(**config())
    server.packed = old
    look(guard)
    assert stops(site) == {"main/no"}
    assert "put back" in guard.check(site.ec2, "StopInstances", InstanceIds=["i-1"]).behind
    guardrails.uninstall()
    assert install(**config()).revision == "new"
    server.packed = pack("old")
    look(guardrails.process.current())
    assert stops(site) is None


def served(status):
    def change(server):
        server.status = status

    return change


def faulty(fault):
    def change(server):
        server.fault = fault

    return change


# How the source fails, and parts of the sentence: what happened, what to do.
FAILURES = {
    "500": (served(500), "answered 500", "wait until it works again"),
    "403": (served(403), "answered 403", "check the token"),
    "404": (served(404), "answered 404", "correct the address"),
    "token": (lambda server: setattr(server, "token", "other"), "answered 401", "bundle.token_file"),
    "redirect": (faulty(bundle_servers.elsewhere), "redirects to http://127.0.0.1:9/secret,", "write that address"),
    "half": (faulty(bundle_servers.half), "stopped in the middle", "look at the server"),
    "closed": (faulty(lambda handler: None), "stopped in the middle", "look at the server"),
    "hang": (faulty(bundle_servers.hang), "gave no answer", "raise bundle.timeout_s"),
    "trickle": (faulty(bundle_servers.trickle), "gave no answer", "raise bundle.timeout_s"),
    "stopped": (lambda server: server.stop(), "cannot be reached", "the network"),
}


@pytest.mark.parametrize(("fail", "what", "fix"), FAILURES.values(), ids=FAILURES)
def test_a_source_that_fails(site, aws, install, config, server, pack, fail, what, fix):
    """Without its source a start uses the last verified bundle; without that, one sentence says what to do."""
    server.packed = pack("one", "stop")
    slow = what == "gave no answer"
    install(**config())
    guardrails.uninstall()
    fail(server)
    later = config(bundle={"poll_s": 0.001, **({"timeout_s": 0.3} if slow else {})})
    guard = install(**later)
    assert guard.revision == "one"
    assert stops(site) == {"main/no"}
    guardrails.uninstall()
    for file in kept.private_file.folder("bundles").iterdir():
        file.unlink()
    with pytest.raises(PolicyError) as refused:
        install(**later)
    assert what in str(refused.value)
    assert fix in str(refused.value)
    assert server.url in str(refused.value)
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])  # nothing is half installed


def test_too_old_denies(site, aws, install, config, server, pack):
    """With `max_bundle_age_s` calls are denied once no check was successful in time, and pass after the next one."""
    server.packed = pack("one")
    guard = install(**config(max_bundle_age_s=600))
    sources = guard._engine._fetched._sources
    assert stops(site) is None
    sent = aws.count("StopInstances")
    server.status = 503
    remote = RemoteBundle(server.url)
    sources._in_force[remote].checked_at -= 601
    (stamp,) = kept.private_file.folder("bundles").glob("*.checked")
    os.utime(stamp, (time.time() - 601,) * 2)
    for words in ("were last checked at their source 60", "answered 503"):
        assert words in stops(site)
    assert aws.count("StopInstances") == sent
    site.ec2.describe_instances()
    server.status = 200
    guard._engine._fetched._next = 0.0
    # A process that slept looks before it denies.
    assert stops(site) is None


def test_what_is_kept_is_private_and_verified(site, install, config, server, pack, keys):
    """The kept bundle is this user's alone; one that was changed, or that others may write, is not used."""
    server.packed = pack("one")
    install(**config())
    guardrails.uninstall()
    folder = kept.private_file.folder("bundles")
    remote = RemoteBundle(server.url)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.status = 500
    for spoiled in (pack("evil", key=keys[2]), pack("evil", change=unsigned), pack("evil", change=wrong_file)):
        kept.write(remote, kept.Fetched(spoiled))
        with pytest.raises(PolicyError, match="answered 500"):
            install(**config(bundle={"poll_s": 0.001}))
    kept.write(remote, kept.Fetched(pack("one")))
    folder.chmod(0o777)
    with pytest.raises(PolicyError, match="answered 500"):
        install(**config(bundle={"poll_s": 0.001}))
    folder.chmod(0o700)
    assert install(**config(bundle={"poll_s": 0.001})).revision == "one"


def test_a_disk_that_cannot_be_written(site, install, config, server, pack, monkeypatch, tmp_path):
    """Where nothing can be kept the bundle is used anyway, and a new one, too.

    The full disk is simulated: the superuser may write everywhere.
    """

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("guardrails.evaluate.remote.kept.private_file.write", full)
    server.packed = pack("one")
    guard = install(**config())
    assert stops(site) is None
    server.packed = pack("two", "stop")
    look(guard)
    assert stops(site) == {"main/no"}


def test_processes_share_what_they_find(site, install, config, server, pack):
    """What one process has just fetched, the next start takes from the disk, without a request."""
    server.packed = pack("one")
    install(**config())
    guardrails.uninstall()
    guard = install(**config())
    assert (guard.revision, len(server.asked)) == ("one", 1)
    # Another process finds a new one.
    other = assembly.remote_sources(load(config()))
    server.packed = pack("two", "stop")
    other.refresh(ask=True)
    asked = len(server.asked)
    guard._engine._fetched._sources.refresh()
    guard._engine._next = 0.0
    assert stops(site) == {"main/no"}
    assert len(server.asked) == asked


def test_a_forked_process_looks_by_itself(site, install, config, server, pack):
    """A child has no thread of its parent's: it starts its own, whatever lock was held."""
    server.packed = pack("one")
    guard = install(**config(bundle={"poll_s": 0.05}))
    sources = guard._engine._fetched._sources
    with sources._lock:
        child = os.fork()
    if child == 0:
        try:
            stops(site)
            until(lambda: sources.generation == 2)
            guard._engine._next = 0.0
            os._exit(0 if stops(site) == {"main/no"} else 1)
        except BaseException:
            os._exit(2)
    server.packed = pack("two", "stop")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_unsigned_needs_a_word(install, config, server, pack):
    """A fetched bundle without a key is refused before anything is sent, unless the configuration allows it."""
    server.packed = pack("one", key=None)
    unsigned = config()
    del unsigned["policy_key"]
    with pytest.raises(ConfigError, match=r"name the key in `policy_key`, or set bundle\.allow_unsigned"):
        install(**unsigned)
    assert not server.asked
    unsigned["bundle"]["allow_unsigned"] = True
    assert install(**unsigned).revision == "one"


def test_a_token(install, config, server, pack, tmp_path, monkeypatch):
    """The token of a file or of the environment is sent; one that is missing is one sentence."""
    server.packed, server.token = pack("one"), "right"
    (tmp_path / "token").write_text("right\n")
    monkeypatch.setenv("BUNDLE_TOKEN", "right")
    for how in ({"token_file": str(tmp_path / "token")}, {"token_env": "BUNDLE_TOKEN"}):
        assert install(**config(bundle=how)).revision == "one"
        guardrails.uninstall()
    monkeypatch.setenv("TWO_LINES", "SECRET\nSECRET")
    wrong = {"token_file": "none"}, {"token_env": "NOT_SET"}, {"token_env": "TWO_LINES"}
    for how, why in zip(wrong, ("cannot be read", "is not set", "one line of visible ASCII"), strict=True):
        sources = assembly.remote_sources(load(config(bundle=how)))
        sources.refresh(ask=True)
        assert why in sources.problem()
        assert "SECRET" not in sources.problem()


def test_an_own_authority(site, install, config, server, pack, tmp_path):
    """Over HTTPS the certificate is verified: with `bundle.ca` it counts, else the sentence names that key."""
    certificates(tmp_path)
    secured(server, tmp_path)
    server.packed, server.url = pack("one", "stop"), server.url.replace("http:", "https:")

    def configured_with(**how):
        return {**config(bundle=how), "policies": [server.url]}

    wrong = {"ca": str(tmp_path / "otherca.pem")}, {}, {"ca": str(tmp_path / "none.pem")}
    sentences = ("see bundle.ca", "see bundle.ca", "`bundle.ca` names")
    for how, sentence in zip(wrong, sentences, strict=True):
        with pytest.raises(GuardrailsError, match=sentence):
            install(**configured_with(**how))
    assert not server.asked
    assert install(**configured_with(ca=str(tmp_path / "ca.pem"))).revision == "one"
    assert stops(site) == {"main/no"}
    assert server.asked


def test_no_thread_is_left(site, install, config, server, pack, monkeypatch):
    """Where the system gives no thread a start uses the kept bundle, calls are decided, and it looks again later."""
    server.packed = pack("one", "stop")
    install(**config())
    guardrails.uninstall()

    def refused(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("guardrails.evaluate.remote.fetch.threading.Thread.start", refused)
        guard = install(**config(bundle={"poll_s": 0.05}))
        assert not guard._engine._fetched._poller._thread.runs
    assert stops(site) == {"main/no"}
    assert guard._engine._fetched._poller._thread.runs


ADDRESSES = {
    "http://rules.example.com/b.tar.gz": "start with https",
    "ftp://rules.example.com/b.tar.gz": "be a folder, a bundle, s3://BUCKET/KEY or https://HOST/PATH",
    "https://rules.example.com": "be a folder, a bundle",
    "https://": "be a folder, a bundle",
    "https://[::1/b": "be a folder, a bundle",
    "https://me:secret@rules.example.com/b": "not have a password",
    "https://me:secret@rules.example.com:port/b": "be a folder, a bundle",
    "https://rules.example.com/b?sig=secret": "not have a password",
    "s3://rules": "be s3://BUCKET/KEY",
    "s3://rules/": "be s3://BUCKET/KEY",
    "s3://Rules_/b": "be s3://BUCKET/KEY",
    "s3://rules/folder/": "be s3://BUCKET/KEY",
}


@pytest.mark.parametrize(("address", "fix"), ADDRESSES.items())
def test_wrong_addresses(address, fix):
    """An address that cannot be one is refused with the fix, and no secret in it is repeated."""
    with pytest.raises(ConfigError) as refused:
        load({"policies": [address]})
    assert fix in str(refused.value)
    assert "secret" not in str(refused.value)


def test_right_addresses(tmp_path):
    """Folders, S3, HTTPS, and plain HTTP on this host are fine, in any order."""
    fine = ["https://rules.example.com/b.tar.gz", "s3://my.rules/a/b", "http://[::1]:1/b", "http://localhost/b"]
    settings = load({"policies": ["own", *fine]}, directory=tmp_path)
    assert list(map(str, settings.remote_bundles)) == fine
    assert settings.local_policies == (tmp_path / "own",)


@pytest.fixture
def bucket(aws):
    aws.client("s3").create_bucket(Bucket="rules", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws.clear()
    return aws


def test_s3(site, bucket, install, config, pack, log):
    """A bundle in S3 is fetched by the guard itself, conditionally; its requests are not judged and not in the log."""
    s3 = bucket.client("s3")
    s3.put_object(Bucket="rules", Key="a/b.tar.gz", Body=pack("one"))
    guard = install(**config(policies=["s3://rules/a/b.tar.gz"], long_tail=True))
    assert bucket.count("GET /rules/a/b.tar.gz") == 1
    look(guard)
    assert stops(site) is None
    s3.put_object(Bucket="rules", Key="a/b.tar.gz", Body=pack("two", "stop"))
    look(guard)
    assert stops(site) == {"main/no"}
    assert guard.revision == "two"
    assert bucket.count("GET /rules/a/b.tar.gz") == 3
    assert "GetObject" not in log.read_text()


S3_FAILURES = {
    "bucket": ("s3://no-rules/b.tar.gz", None, "the bucket does not exist; correct `policies`"),
    "key": ("s3://rules/c.tar.gz", None, "the bucket has no such key; correct `policies`"),
    "permission": ("s3://rules/b.tar.gz", (403, "AccessDenied"), "allow s3:GetObject on arn:aws:s3:::rules/b.tar.gz"),
    "credentials": ("s3://rules/b.tar.gz", (403, "ExpiredToken"), "does not accept the credentials"),
    "region": ("s3://rules/b.tar.gz", (400, "IllegalLocationConstraintException"), "set bundle.region"),
    "down": ("s3://rules/b.tar.gz", (503, "SlowDown"), "answered SlowDown"),
}


@pytest.mark.parametrize(("address", "fault", "fix"), S3_FAILURES.values(), ids=S3_FAILURES)
def test_s3_fails(site, bucket, install, config, pack, address, fault, fix):
    """A wrong bucket or key, a missing permission, old credentials and a region are each one sentence with the fix."""
    bucket.client("s3").put_object(Bucket="rules", Key="b.tar.gz", Body=pack("one"))
    if fault:
        bucket.answer("GET /rules/b.tar.gz", fault[0], fault[1], "no")
    with pytest.raises(PolicyError) as refused:
        install(**config(policies=[address]))
    assert str(refused.value).startswith(f"{address}: ")
    assert fix in str(refused.value)


def test_a_profile_that_does_not_exist(config, bucket):
    """A profile that is configured and missing is one sentence."""
    sources = assembly.remote_sources(load(config(policies=["s3://rules/b"], bundle={"profile": "nobody"})))
    sources.refresh()
    assert "correct bundle.profile" in sources.problem()
    assert bucket.count("GET /rules/b") == 0


OWN = RULES.replace("guardrails.main", "guardrails.own").replace("decision :=", "other :=")


def test_a_folder_beside_it(site, install, config, server, pack, tmp_path):
    """A local folder adds rules of its own package, and shows in the revision; it cannot replace the bundle's."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.rego").write_text(OWN)
    server.packed = pack("one")
    guard = install(**config(policies=[server.url, str(folder)]))
    assert guard.revision.startswith("one+")
    assert any("guardrails.own" in text for text in assembly.policies(guard.settings).modules.values())
    guardrails.uninstall()
    (folder / "own.rego").write_text(RULES)
    with pytest.raises(PolicyError, match=r"own\.rego: the bundle has the package guardrails\.main already"):
        install(**config(policies=[server.url, str(folder)]))


def test_two_bundles(site, install, config, server, pack):
    """Two bundles count together, if what they have in common is the same."""
    second = BundleServer()
    try:
        server.packed = pack("one")
        second.packed = pack("team", rules=OWN, data={"team": {"most": 3}})
        guard = install(**config(policies=[server.url, second.url]))
        assert guard.revision == "one,team"
        assert assembly.policies(guard.settings).data["team"] == {"most": 3}
        guardrails.uninstall()
        for packed, why in (
            (pack("team", "stop"), "has other policies in the package guardrails.main"),
            (pack("team", rules=OWN, data={"guardrails": {"params": 1}}), "data.guardrails.params has another"),
        ):
            second.packed = packed
            look_at = assembly.remote_sources(load(config(policies=[server.url, second.url])))
            look_at.refresh(ask=True)
            assert why in look_at.refused()
    finally:
        second.stop()


def test_doctor_shows_each_source(site, install, config, server, pack, keys, tmp_path):
    """Doctor and `policy sources` name each source, its revision, its last check, and what is wrong with a new one."""
    server.packed = pack("one")
    install(**config())
    settings = load(config())

    def found():
        return [finding for finding in doctor.examine(settings, time.time()) if finding.about == "policy source"]

    (fine,) = found()
    assert fine.state == "ok"
    assert f"{server.url}: revision one" in fine.sentence
    assert "checked" in fine.sentence
    file = tmp_path / "guardrails.toml"
    file.write_text(f'policies = ["{server.url}"]\npolicy_key = "{keys[1]}"\nmax_fact_age_s = 60\n')
    command = ["policy", "--config", str(file), "sources"]
    shown = CliRunner().invoke(app, command)
    assert (shown.exit_code, shown.output.partition(",")[0]) == (0, f"{server.url}: revision one")
    server.packed = pack("two", key=keys[2])
    shown = CliRunner().invoke(app, [*command, "--format", "json"])
    (row,) = json.loads(shown.output)
    assert (shown.exit_code, row["revision"], row["refused"]) == (1, "one", True)
    (bad,) = found()
    assert bad.state == "problem"
    assert "does not match the key" in bad.sentence
    assert bad.facts["revision"] == "one"

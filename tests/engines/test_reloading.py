"""Hot reload: an edit takes effect at once; one that does not load is reported once and changes nothing."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import threading
import time

import pytest

import guardrails
from guardrails.doctor import policies as doctor
from guardrails.errors import PolicyError
from guardrails.evaluate import bundle, reloading
from tests.support.waiting import until

RULE = """package guardrails.quiet

# METADATA
# title: Nothing is stopped
# custom:
#   rule: quiet/stop
deny contains {
	"rule": "quiet/stop",
	"target": id,
	"message": "It is quiet.",
	"remediation": "Leave it.",
} if {
	"CALL" in input.call.effects
	some id, _ in input.targets
}
"""


@pytest.fixture
def place(tmp_path):
    """A configuration with a folder of policies whose one rule never fires."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "quiet.rego").write_text(RULE.replace("CALL", "nothing"))
    (tmp_path / "guardrails.toml").write_text(
        'policies = ["own"]\nmax_fact_age_s = 60\nlookup_timeout_s = 60\n'
        '[log]\npath = "decisions.jsonl"\n[state]\nenabled = false\n'
    )
    return tmp_path


@pytest.fixture
def guard(place, site):
    guard = guardrails.install(str(place / "guardrails.toml"))
    # Every decision checks the files, so that no test waits.
    guard._engine._interval_s = 0.0
    guard._engine._next = 0.0
    yield guard
    guardrails.uninstall()


def _write(file, text):
    """An edit that is a second old, so that it counts as settled."""
    file.write_text(text)
    past = time.time() - 1
    os.utime(file, (past, past))


def _stop(site):
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])


def _last(place):
    return json.loads((place / "decisions.jsonl").read_text().splitlines()[-1])


def test_an_edit_takes_effect(guard, place, site, aws):
    """An edited rule blocks in the running process, nothing reaches the server, and the log has the new revision."""
    _stop(site)
    before, sent = guard.revision, aws.count("StopInstances")
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)
    assert aws.count("StopInstances") == sent
    assert guard.revision != before
    entry = _last(place)
    assert entry["bundles"]["guardrails"]["revision"] == guard.revision
    assert "policies_loaded_at" in entry["custom"]
    assert "policies_behind" not in entry["custom"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("package guardrails.quiet\n\ndeny contains {\n", "quiet.rego:"),
        (RULE.replace("CALL", "nothing") + "\nx := unknown_function(1)\n", "unknown function unknown_function"),
    ],
)
def test_a_broken_edit_changes_nothing(guard, place, site, aws, caplog, edit, why):
    """A broken edit is reported once, the last good policies stay, the log says why, and a corrected edit loads."""
    before = guard.revision
    _write(place / "own" / "quiet.rego", edit)
    with caplog.at_level(logging.WARNING, "guardrails"):
        _stop(site)
        _stop(site)
    assert [why in record.message for record in caplog.records].count(True) == 1
    assert guard.revision == before
    assert why in _last(place)["custom"]["policies_behind"]
    with pytest.raises(guardrails.CallDenied, match="live-cluster/stop"):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop") + "\n")
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)
    assert "policies_behind" not in _last(place)["custom"]


def test_the_accident_is_not_loaded(guard, place, site, aws):
    """An edit that would allow terminating a live machine fails the self-test and is not loaded."""
    own = place / "own" / "guardrails" / "verdict"
    own.mkdir(parents=True)
    text = (guardrails.evaluate.bundle.shipped() / "guardrails/verdict/verdict.rego").read_text()
    _write(own / "verdict.rego", text.replace("violations(answers) := ", "violations(answers) := set() & "))
    _stop(site)
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 0
    assert "allow terminating a machine of the live cluster" in _last(place)["custom"]["policies_behind"]


def test_the_configuration_too(guard, place, site):
    """Enforcement, parameters and folders in the configuration file take effect; other keys do not."""
    file = place / "guardrails.toml"
    text = file.read_text()
    _write(file, 'mode = "dryrun"\n' + text + '[enforcement]\n"live-cluster/stop" = "dryrun"\n')
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert guard.settings.mode == "enforce"
    _write(file, text + '[enforcement]\n"live-cluster/nothing" = "dryrun"\n')
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[1]])
    assert "unknown rule 'live-cluster/nothing'" in _last(place)["custom"]["policies_behind"]
    _write(file, text)
    with pytest.raises(guardrails.CallDenied):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[2]])


def test_a_folder_that_vanishes(guard, place, site):
    """A deleted folder leaves the last good policies in force."""
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with pytest.raises(guardrails.CallDenied):
        _stop(site)
    guard._engine._settle_s = 0.0
    shutil.rmtree(place / "own")
    for _ in range(3):
        with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
            _stop(site)
    assert "which does not exist" in _last(place)["custom"]["policies_behind"]


def test_a_fresh_edit_waits(guard, place, site):
    """A file that is still being written is left alone until two checks have seen it unchanged."""
    guard._engine._settle_s = 60.0
    (place / "own" / "quiet.rego").write_text(RULE.replace("CALL", "stop"))
    _stop(site)
    guard._engine._next = 0.0
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)


def test_threads(guard, place, site):
    """While one thread reloads, others decide; each decision matches the rule of its revision."""
    guard._engine._settle_s = 0.0
    seen, stop = [], threading.Event()

    def decide():
        while not stop.is_set():
            decision = guard.check(site.ec2, "StopInstances", InstanceIds=[site.green.instance_ids[0]])
            seen.append((decision.revision, tuple(each.rule for each in decision.violations), decision.unavailable))

    threads = [threading.Thread(target=decide) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(8):
        effect = "stop" if number % 2 == 0 else "nothing"
        before = guard.revision
        _write(place / "own" / "quiet.rego", RULE.replace("CALL", effect))
        # A slow thread may still add a decision of the previous revision.
        until(lambda before=before: guard.revision != before)
        since = len(seen)
        until(lambda since=since: any(revision == guard.revision for revision, _, _ in seen[since:]))
    stop.set()
    for thread in threads:
        thread.join()
    assert not any(unavailable for _, _, unavailable in seen)
    by_revision = {}
    for revision, rules, _ in seen:
        by_revision.setdefault(revision, set()).add(rules)
    assert sorted(map(sorted, by_revision.values())) == [[()], [("quiet/stop",)]]


def test_an_edit_that_breaks_the_reader(guard, place, site, monkeypatch):
    """Whatever keeps an edit from taking effect is reported, and the old policies stay in force."""

    def broken(_):
        raise TypeError("not as it should be")

    monkeypatch.setattr(guard._engine, "_make", broken)
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    before = guard.revision
    until(lambda: _stop(site) or "not as it should be" in str(_last(place)["custom"].get("policies_behind")))
    assert guard.revision == before


def test_an_edit_is_tried_again(guard, place, site, monkeypatch, caplog):
    """An edit whose reason not to load goes without a trace in the files takes effect; the reason is reported once."""
    usual = guard._engine._make

    def broken(_):
        raise PermissionError("not for this user")

    monkeypatch.setattr(guard._engine, "_make", broken)
    monkeypatch.setattr(reloading, "_AGAIN_S", 0.0)
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with caplog.at_level(logging.WARNING, "guardrails"):
        until(lambda: _stop(site) or "policies_behind" in _last(place)["custom"])
        _stop(site)
    assert ["not for this user" in record.message for record in caplog.records].count(True) == 1
    monkeypatch.setattr(guard._engine, "_make", usual)
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)


def test_an_edit_that_keeps_size_and_time(guard, place, site):
    """A copy that keeps the time of the file, and has as many bytes, takes effect."""
    rule, copy = place / "own" / "quiet.rego", place / "copy"
    past = rule.stat().st_mtime_ns - 10**10
    os.utime(rule, ns=(past, past))
    until(lambda: _stop(site) or guard._engine._seen == guard._engine._stamps())
    copy.write_text(rule.read_text().replace('"nothing"', '"stop"   '))
    os.utime(copy, ns=(past, past))
    copy.replace(rule)
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)


def test_an_edit_after_frozen_time(guard, place, site, monkeypatch):
    """A decision while a test has set the clocks to another time does not keep later edits out."""
    with monkeypatch.context() as frozen:
        frozen.setattr(time, "monotonic", lambda: 2e9)
        _stop(site)
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)


NOT_READ = {
    "a pipe": (lambda rule: (rule.unlink(), os.mkfifo(rule)), "it is a pipe and not a file"),
    "a dump": (lambda rule: _write(rule.with_name("data.json"), f'["{"x" * 10_000_000}"]'), "more than the 10,000,000"),
}


@pytest.mark.parametrize(("put", "why"), NOT_READ.values(), ids=NOT_READ)
def test_what_is_no_policy(put, why, guard, place, site):
    """What would take for ever, or all memory, to read is not read: calls are decided on, and the log says why."""
    _with_its_rule(guard, place, site)
    put(place / "own" / "quiet.rego")
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)
    assert why in _last(place)["custom"]["policies_behind"]


@pytest.mark.parametrize("unpack", [False, True], ids=["a folder", "a bundle"])
def test_files_of_windows(unpack, tmp_path):
    """Policies and data with Windows' mark and line ends are those without: the rules are collected, and decide."""
    modules, data = {}, {}
    for name, mark, end in (("here", b"", b"\n"), ("windows", b"\xef\xbb\xbf", b"\r\n")):
        place = tmp_path / name
        (place / "guardrails" / "params").mkdir(parents=True)
        (place / ".manifest").write_bytes(mark + b'{"revision": "first"}')
        (place / "quiet.rego").write_bytes(mark + RULE.encode().replace(b"\n", end))
        (place / "guardrails" / "params" / "data.json").write_bytes(mark + b'{"limit": 3}' + end)
        made = bundle.unpack(place) if unpack else bundle.read([place])
        modules[name], data[name] = sorted(made.modules.values()), made.data
    assert modules["windows"] == modules["here"]
    assert any("data.guardrails.quiet.deny" in text for text in modules["windows"])
    assert data["windows"] == {"guardrails": {"params": {"limit": 3}}}


HIDDEN = {
    "a lock of Emacs": lambda own: (own / ".#quiet.rego").symlink_to("ann@host.4711:1790000000"),
    "a file of macOS": lambda own: (own / "._quiet.rego").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X\xff"),
}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_hidden_files(hide, guard, place, site):
    """What editors and file servers hide beside a policy keeps neither an edit nor install() from its work."""
    hide(place / "own")
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)
    guardrails.uninstall()
    guardrails.install(str(place / "guardrails.toml"))


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_hidden_files_in_a_bundle(hide, tmp_path):
    """A folder that is a bundle is read without them, too."""
    (tmp_path / ".manifest").write_text('{"revision": "first"}')
    (tmp_path / "quiet.rego").write_text(RULE)
    hide(tmp_path)
    read = bundle.unpack(tmp_path)
    assert read.named == "first"
    assert [name for name in read.modules if name.endswith("quiet.rego")] == [f"{tmp_path}/quiet.rego"]


def _in_child(site, queue):
    try:
        _stop(site)
        queue.put("sent")
    except guardrails.CallDenied as error:
        queue.put(str(error))


def test_forked(guard, place, site):
    """A child that was forked while another thread held the lock still reloads."""
    guard._engine._lock.acquire()
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(site, queue))
    child.start()
    answer = queue.get(timeout=30)
    child.join()
    guard._engine._lock.release()
    assert "quiet/stop" in answer


def _emptied(own):
    for file in own.iterdir():
        file.unlink()


def _only_data_left(own):
    (own / "data.json").write_text("{}")
    (own / "quiet.rego").unlink()


def _broken(own):
    _write(own / "quiet.rego", "package")


LOSSES = {
    "emptied": (_emptied, "has no .rego file"),
    "deleted": (shutil.rmtree, "which does not exist"),
    "only data left": (_only_data_left, "every .rego file in this folder is gone"),
    "every file broken": (_broken, "quiet.rego:1:"),
    "a file in its place": (lambda own: (shutil.rmtree(own), own.write_text("")), "no such folder"),
    "configuration emptied": (lambda own: _write(own.parent / "guardrails.toml", "# nothing\n"), "every key"),
    "configuration deleted": (lambda own: (own.parent / "guardrails.toml").unlink(), "does not exist"),
}


def _with_its_rule(guard, place, site):
    """The rule acts: green may not be stopped. From here on, files that are gone count as settled at the next call."""
    guard._engine._settle_s = 0.0
    _write(place / "own" / "quiet.rego", RULE.replace("CALL", "stop"))
    with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
        _stop(site)


@pytest.mark.cases(6)
@pytest.mark.parametrize(("lose", "why"), LOSSES.values(), ids=LOSSES)
def test_a_loss_is_not_an_edit(guard, place, site, aws, caplog, lose, why):
    """Policies that are gone while running stay in force; the logger, the decision log and doctor say it."""
    _with_its_rule(guard, place, site)
    before = guard.revision
    lose(place / "own")
    with caplog.at_level(logging.WARNING, "guardrails"):
        for _ in range(3):
            with pytest.raises(guardrails.CallDenied, match="quiet/stop"):
                _stop(site)
    assert aws.count("StopInstances") == 0
    assert guard.revision == before
    assert [why in record.message for record in caplog.records].count(True) == 1
    assert why in _last(place)["custom"]["policies_behind"]
    found = [finding for finding in doctor.examine(guard.settings, time.time()) if finding.state == "problem"]
    assert any(why in finding.sentence for finding in found)


def test_deleting_a_file_is_an_edit(guard, place, site, aws):
    """One file of several may be deleted: its rule is gone, those of the others stay."""
    (place / "own" / "other.rego").write_text(RULE.replace("quiet", "other").replace("CALL", "nothing"))
    _with_its_rule(guard, place, site)
    (place / "own" / "quiet.rego").unlink()
    until(lambda: _passes(lambda: _stop(site)))
    assert aws.count("StopInstances") == 1


def _passes(call):
    try:
        call()
    except guardrails.CallDenied:
        return False
    return True


def test_an_unreadable_folder(tmp_path, monkeypatch):
    """A folder below `policies` that cannot be listed is an error, at install and while running.

    The operating system's refusal is simulated: the superuser may read every folder.
    """
    (tmp_path / "own").mkdir()

    def refused(place, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(place)))
        return iter(())

    monkeypatch.setattr("guardrails.evaluate.bundle.os.walk", refused)
    with pytest.raises(PolicyError, match=r"own: cannot be read \(Permission denied\)"):
        bundle.read([tmp_path / "own"])


def test_folders_behind_links(tmp_path):
    """Rules behind a link to a folder are read, once; so are those of a ConfigMap as Kubernetes mounts it."""
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "quiet.rego").write_text(RULE)
    mount = tmp_path / "own"
    (mount / "..2026_11_28").mkdir(parents=True)
    (mount / "..2026_11_28" / "mounted.rego").write_text("package mounted\n\nf(x) := x\n")
    (mount / "..data").symlink_to("..2026_11_28")
    (mount / "mounted.rego").symlink_to("..data/mounted.rego")
    (mount / "area").symlink_to(real)
    (mount / "circle").symlink_to(mount)
    read = bundle.read([mount]).modules
    assert sorted(name.removeprefix(f"{mount}/") for name in read if "areas" not in name) == [
        "area/quiet.rego",
        "mounted.rego",
    ]

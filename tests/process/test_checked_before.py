"""Policies that this user's guards have checked before are not checked again, and no others get in that way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import guardrails
from guardrails.errors import PolicyError
from guardrails.evaluate import bundle, checked_before
from guardrails.evaluate.checked import compiled
from guardrails.evaluate.checked_before import checked_once
from guardrails.evaluate.embedded import EmbeddedEngine

BROKEN = "package guardrails.own\n\nimport data.guardrails.lib\n\nwarn contains lib.missing if true\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where results are kept, for this test alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "guardrails" / "checked-policies"


@pytest.fixture
def checks(monkeypatch) -> list[str]:
    """The revision of every bundle that is checked."""
    seen: list[str] = []
    monkeypatch.setattr(checked_before, "compiled", lambda made: seen.append(made.revision) or compiled(made))
    return seen


@pytest.fixture(scope="module")
def shipped() -> bundle.Bundle:
    """The shipped policies."""
    return bundle.read([bundle.shipped()])


def changed(made: bundle.Bundle) -> bundle.Bundle:
    """The same policies with one comment more."""
    file, text = next(iter(made.modules.items()))
    return bundle.Bundle({**made.modules, file: f"{text}# Changed.\n"}, made.data, "changed")


def test_the_same_policies_are_checked_once(folder, checks, shipped):
    """The second time the result comes from the file, and is the same; its file is for this user alone."""
    assert checked_once(shipped).modules == checked_once(shipped).modules == compiled(shipped).modules
    assert checks == [shipped.revision]
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_anything_else_is_checked(folder, checks, shipped, monkeypatch):
    """Another text, other data, another checker and another engine each have their own result."""
    checked_once(shipped)
    checked_once(changed(shipped))
    checked_once(bundle.with_params(shipped, {"remaining": {"minimum": 7}}))
    for name, value in (("build", lambda: "another"), ("_CHECKER", Path(__file__).parent)):
        with monkeypatch.context() as patch:
            patch.setattr(checked_before, name, value)
            checked_once(shipped)
    assert len(checks) == 5


def test_a_mistake_is_not_kept(folder, shipped):
    """Policies that the check refuses are refused every time, and leave no file."""
    broken = bundle.Bundle({**shipped.modules, "own.rego": BROKEN}, shipped.data, "broken")
    for _ in range(2):
        with pytest.raises(PolicyError, match=r"own\.rego:5:.*nothing defines"):
            EmbeddedEngine(broken, checked_once)
    assert not folder.exists()


def tampered(file: Path) -> None:
    """The kept policies with one that is off, and the digest left as it was."""
    kept = file.read_text()
    changed = kept.replace(" contains ", " contains false if ", 1)
    assert changed != kept
    file.write_text(changed)


@pytest.mark.parametrize(
    "harm",
    [
        tampered,
        lambda file: file.write_text(file.read_text()[:5000]),
        lambda file: file.write_text(""),
        lambda file: file.write_bytes(b"\xff\xfe\n{}"),
        lambda file: file.chmod(0o620),
        lambda file: file.chmod(0o602),
        lambda file: file.parent.chmod(0o777),
        lambda file: file.chmod(0),
        lambda file: (file.rename(file.parent.parent / "elsewhere"), file.symlink_to(file.parent.parent / "elsewhere")),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["tampered", "half", "empty", "binary", "group", "others", "folder", "unreadable", "link", "a folder"],
)
def test_a_file_that_cannot_be_trusted(harm, folder, checks, shipped):
    """Half a file, a changed one, one behind a link, one that others may write to: the policies are checked again."""
    checked_once(shipped)
    (file,) = folder.iterdir()
    harm(file)
    if not (os.geteuid() == 0 and file.is_file() and file.stat().st_mode & 0o777 == 0):  # root reads it anyway
        assert checked_once(shipped).modules == compiled(shipped).modules
        assert len(checks) == 2


def test_a_file_of_another_user(folder, checks, shipped, monkeypatch):
    """What belongs to another user, even to root, is not read."""
    checked_once(shipped)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    checked_once(shipped)
    assert len(checks) == 2


@pytest.mark.parametrize("home", ["/dev/null/nowhere", "/proc/nowhere"])
def test_no_folder_to_write_to(home, checks, shipped, monkeypatch):
    """Without a folder the policies are checked at every start, and nothing fails."""
    monkeypatch.setenv("XDG_STATE_HOME", home)
    for _ in range(2):
        assert checked_once(shipped).modules == compiled(shipped).modules
    assert len(checks) == 2


def test_old_results_go(folder, shipped, monkeypatch):
    """Each edit leaves a file; only the newest few stay."""
    monkeypatch.setattr(checked_before, "compiled", lambda made: made)
    made = shipped
    for _ in range(checked_before._MOST + 3):
        made = changed(made)
        checked_once(made)
    assert len(list(folder.iterdir())) == checked_before._MOST


def test_install_uses_it(folder, checks, tmp_path):
    """Two starts with one configuration check once; a start after an edit of a policy checks again."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.rego").write_text(
        BROKEN.replace("lib.missing", "lib.effects").replace("warn contains", "seen contains")
    )
    config = {"log": {"enabled": False}, "state": {"enabled": False}, "policies": [str(own)]}
    for _ in range(2):
        guardrails.install(config)
        guardrails.uninstall()
    assert len(checks) == 1
    (own / "mine.rego").write_text(BROKEN)
    with pytest.raises(PolicyError, match="nothing defines"):
        guardrails.install(config)
    assert len(checks) == 2

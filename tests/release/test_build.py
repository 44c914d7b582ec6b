"""What is published is built from a commit, and from nothing else."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.docs.test_pages import block
from tests.release import build


@pytest.fixture
def checkout(tmp_path):
    """A small project that is built as ours is, with everything committed; it ignores caches."""
    folder = tmp_path / "project"
    (folder / "guardrails" / "sub").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "guardrails"\nversion = "1"\n'
    )
    (folder / "guardrails" / "__init__.py").write_text("")
    (folder / ".gitignore").write_text("*.pyc\n")
    (folder / "guardrails" / "left.pyc").write_bytes(b"")
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=M", "-c", "user.email=m@x", "commit", "-qm", "1")):
        subprocess.run(("git", *command), cwd=folder, check=True)
    return folder


def test_a_commit_is_built(checkout, tmp_path, monkeypatch):
    """The checklist's command makes two files of a clean checkout, and what .gitignore names does not matter."""
    monkeypatch.chdir(tmp_path)
    _, _, module, *arguments = shlex.split(block("release", "bash", "python -m tests.release.build"))
    assert module == build.__name__
    assert build.main([*arguments, "--checkout", str(checkout)]) == 0
    assert sorted(file.suffix for file in (tmp_path / "dist").iterdir()) == [".gz", ".whl"]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("name", ["guardrails/secret.env", "guardrails/sub/mine.rego", "guardrails/__init__.py"])
def test_nothing_else_is_built(name, hidden, checkout, tmp_path, capsys):
    """A file that git does not know, also one that only this machine's git ignores, and a change are named."""
    (checkout / name).write_text("x")
    if hidden:
        (checkout / ".git" / "info" / "exclude").write_text("secret.env\nmine.rego\n")
    assert build.main([str(tmp_path / "dist"), "--checkout", str(checkout)]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [f"  {name}"]
    assert not (tmp_path / "dist").exists()


def test_builds_that_differ_are_named(checkout, tmp_path, monkeypatch, capsys):
    """Two builds that are not the same are no release."""
    monkeypatch.setattr(build, "build", lambda *_: ["one.whl"])
    assert build.main([str(tmp_path / "dist"), "--checkout", str(checkout)]) == 1
    assert "two builds differ: one.whl" in capsys.readouterr().err

"""What the page on releases shows works, and fits pyproject.toml."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

import guardrails
from tests.docs.test_pages import block
from tests.release import hooks
from tests.support.environments import PROJECT, ROOT


def test_the_commands_of_the_checklist_exist():
    """Every `python -m …` of the checklist is a module of this checkout."""
    for line in block("release", "bash", "python -m tests.release.lock").splitlines():
        _, _, module, *_ = shlex.split(line)
        found = importlib.util.find_spec(module)
        assert found is not None, module
        assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__"), module


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing")
def test_a_signed_tag(tmp_path, monkeypatch):
    """The page's commands sign a tag and verify it; a tag without a signature or of another key does not pass."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\nname = Maintainer\nemail = maintainer@example.com\n")
    (tmp_path / ".ssh").mkdir()
    for name in ("id_ed25519", "other"):
        _shell(f"ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/{name}", tmp_path)
    key = (tmp_path / ".ssh" / "id_ed25519.pub").read_text()
    (tmp_path / "allowed_signers").write_text(f'maintainer@example.com namespaces="git" {key}')
    sign, verify = (block("release", "bash", start) for start in ("git config gpg.format", "git config gpg.ssh"))
    repository = tmp_path / "repository"
    repository.mkdir()
    _shell("git init -q; git commit -q --allow-empty -m first", repository)
    # `python` is the one that runs this test, and guardrails is this checkout.
    python = f'python() {{ {shlex.quote(sys.executable)} "$@"; }}\n'
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert _shell(python + sign + verify, repository).returncode == 0
    version = guardrails.__version__
    assert _shell("git tag", repository).stdout.split() == [f"v{version}"]
    _shell("git -c user.signingkey=~/.ssh/other.pub tag -s other -m other; git tag -a -m bare bare", repository)
    for tag in ("other", "bare"):
        assert _shell(f"git verify-tag {tag}", repository, check=False).returncode != 0, tag


def _shell(command, folder, *, check=True):
    return subprocess.run(("bash", "-e", "-c", command), cwd=folder, capture_output=True, text=True, check=check)


def test_the_conda_recipe():
    """The recipe has this version, the command, and what pyproject.toml needs for the package and the extra `cli`."""
    recipe = yaml.safe_load(block("release", "yaml", "schema_version"))
    assert recipe["context"]["version"] == PROJECT["version"]
    assert recipe["package"]["name"] == PROJECT["name"]
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"]]
    expected = [f"python{PROJECT['requires-python']}", *needed]
    assert [line.replace(" ", "", 1) for line in recipe["requirements"]["run"]] == expected
    scripts = [f"{name} = {target}" for name, target in PROJECT["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == scripts
    assert (ROOT / recipe["about"]["license_file"]).is_file()
    assert recipe["about"]["license"] == PROJECT["license"]
    assert set(re.findall(r"\$\{\{ (\w+) \}\}", block("release", "yaml", "schema_version"))) == set(recipe["context"])


def test_the_configurations_name_what_is_there():
    """The hooks, the action's folder, its inputs and the version that the page names are those of this checkout."""
    (repository,) = yaml.safe_load(block("release", "yaml", "repos:"))["repos"]
    assert repository["rev"] == f"v{PROJECT['version']}"
    assert {hook["id"] for hook in repository["hooks"]} == {hook["id"] for hook in hooks.HOOKS}
    (*_, step) = yaml.safe_load(block("release", "yaml", "on:"))["jobs"]["policies"]["steps"]
    place, _, version = step["uses"].partition("@")
    assert version == repository["rev"]
    assert ROOT / place.partition("guardrails/")[2] / "action.yml" == hooks.ACTION
    assert step["with"].keys() == yaml.safe_load(hooks.ACTION.read_text("utf-8"))["inputs"].keys()

"""The package is complete however it is installed: as a wheel, editable, or as a checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

import guardrails
from tests.docs.test_pages import block
from tests.release.hooks import write
from tests.support.environments import PROJECT, ROOT

# The tests of an installed package may lie anywhere.
pytestmark = pytest.mark.skipif(not (ROOT / "guardrails").is_dir(), reason="builds from a checkout, and this is none")
# Builds the guard, which reads, compiles and tests the shipped policies.
PROBE = """
import json, pathlib, guardrails
from guardrails.evaluate import bundle
guard = guardrails.Guard.from_config({"log": {"enabled": False}})
package, policies = pathlib.Path(guardrails.__file__).parent, bundle.shipped()
whole = [package / "py.typed", package / "LICENSE", package / "classify" / "operations" / "ec2.json",
         package / "docs" / "coverage.md", policies / "schemas" / "input.json",
         policies / "README.md", package / "show" / "style.css", package / "show" / "base.html.j2",
         package / "report" / "report.html.j2", package / "policy" / "docs" / "rule_book.html.j2",
         package / "policy" / "replay" / "replay.html.j2"]
print(json.dumps([str(package), str(policies), guard.revision, [str(p) for p in whole if not p.is_file()]]))
"""


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """A wheel, built from a source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    return folder


@pytest.fixture(scope="session")
def tracked():
    """The files of this checkout that belong to it, as paths from its root."""
    if not (ROOT / ".git").exists():
        pytest.skip("git says which files belong to the project, and this is not a clone")
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture
def fresh(tmp_path):
    """The Python of a virtual environment without this project; its dependencies are found through PYTHONPATH."""
    venv.create(tmp_path / "venv", with_pip=False)
    return tmp_path / "venv" / "bin" / "python"


def _run(*command, cwd):
    # Python ignores .pth files in folders on PYTHONPATH, so this does not see the editable install.
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "HOME": home}
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _probe(python, cwd):
    package, policies, revision, missing = json.loads(_run(str(python), "-c", PROBE, cwd=cwd))
    assert not missing
    assert revision == guardrails.Guard.from_config({"log": {"enabled": False}}).revision
    return Path(package), Path(policies)


def test_installed_wheel(fresh, dist, tmp_path):
    """A wheel built from the source distribution holds the policies and pages inside the package, and works."""
    (wheel,) = dist.glob("*.whl")
    _run(sys.executable, "-m", "pip", "--python", str(fresh), "install", "--no-deps", str(wheel), cwd=tmp_path)
    package, policies = _probe(fresh, tmp_path)
    assert package.is_relative_to(tmp_path / "venv")
    assert policies == package / "policies"


def test_the_same_bytes_anywhere(dist, tracked, tmp_path):
    """Another copy with other times and permissions, in another folder, builds the same two files, byte for byte."""
    copy = tmp_path / "elsewhere"
    for name in tracked:
        file = copy / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, file)
        file.chmod(0o600)
        os.utime(file, (1_000_000_000, 1_000_000_000))
    # What a build must not take along.
    (copy / "guardrails" / "__pycache__").mkdir()
    (copy / "guardrails" / "__pycache__" / "stray.cpython-311.pyc").write_bytes(b"stray")
    # `dist` builds the wheel from the source distribution; this builds both from the copy.
    _run(sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / "again"), cwd=copy)
    built = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in (dist, tmp_path / "again")]
    assert len(built[0]) == 2
    assert built[0] == built[1]


def test_nothing_is_missing_and_nothing_is_added(dist, tracked):
    """The wheel has the package and the policies as git knows them, and the source distribution also the tests."""
    (wheel,), (source,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in archive.namelist()} - {""}
    package = {name for name in tracked if name.startswith("guardrails/")}
    policies = {f"guardrails/{name}" for name in tracked if name.startswith("policies/")}
    assert inside == package | policies
    assert "guardrails/py.typed" in inside
    assert about == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/guardrails/LICENSE"}
    with tarfile.open(source) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    top = {"PKG-INFO", ".gitignore", "CHANGELOG.md", "README.md", "pyproject.toml"}
    assert files == top | {name for name in tracked if name.startswith(("guardrails/", "policies/", "tests/"))}


def test_the_container_file(dist, tmp_path):
    """The commands of the page's container file, in folders instead of an image, install and check policies."""
    app, root = tmp_path / "app", tmp_path / "root"
    write(app)
    (app / "script.py").write_text("import guardrails, sys; print(guardrails.__version__, sys.argv[1:])")
    (root / "tmp").mkdir(parents=True)
    (wheel,) = dist.glob("*.whl")
    shutil.copy(wheel, root / "tmp")
    text = block("release", "dockerfile", "FROM").replace("\\\n", "")
    lines = [line.partition(" ")[::2] for line in text.splitlines()]
    copied = {name for word, line in lines if word == "COPY" for name in line.split()[:-1]}
    assert copied - {"*.whl"} == {file.name for file in app.iterdir()}
    commands = [line for word, line in lines if word == "RUN"]
    commands.append(" ".join(word for kind in ("ENTRYPOINT", "CMD") for word in json.loads(dict(lines)[kind])))
    # The image has an index to install from; here the dependencies are those of the tests.
    here = f"export PATH={root}/opt/guardrails/bin:{Path(sys.executable).parent}:$PATH PIP_NO_DEPS=1\n"
    for command in commands:
        placed = re.sub(r"/(opt|tmp)/", rf"{root}/\1/", command)
        printed = _run("bash", "-e", "-c", here + placed, cwd=app)
    assert printed.strip() == f"{guardrails.__version__} []"


def test_editable_install(fresh, tmp_path):
    """An editable install uses the policies of the checkout."""
    command = ("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    _run(sys.executable, "-m", "pip", "--python", str(fresh), *command, cwd=tmp_path)
    assert _probe(fresh, tmp_path) == (ROOT / "guardrails", ROOT / "policies")


def test_checkout(fresh):
    """A checkout works without being installed."""
    assert _probe(fresh, ROOT) == (ROOT / "guardrails", ROOT / "policies")


def test_importing_pulls_in_no_extra(fresh):
    """`import guardrails` imports no command line, no moto, no OPA client (200 ms) and no engine."""
    names = ("click", "jinja2", "rich", "moto", "opa_client", "requests", "regorus")
    code = f"import sys, guardrails; print([name for name in {names} if name in sys.modules])"
    assert _run(str(fresh), "-c", code, cwd=ROOT).strip() == "[]"


def test_the_opa_client_is_an_extra(monkeypatch):
    """Without opa-python-client, `engine = "opa"` is a ConfigError that names the extra to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(guardrails.ConfigError, match=r"pip install 'botocore-guardrails\[opa\]'"):
        guardrails.Guard.from_config({"engine": "opa", "opa": {"url": "http://127.0.0.1:1"}, "log": {"enabled": False}})


def test_the_base_install_has_no_http_client_of_its_own():
    """The dependencies without extras bring no HTTP library besides botocore's."""
    names = {re.split("[>~=]", line)[0] for line in PROJECT["dependencies"]}
    assert names == {"attrs", "boto3", "botocore", "gordon-to-regorus", "jmespath", "wcwidth"}


def test_version():
    """`guardrails.__version__` is the version in pyproject.toml."""
    assert guardrails.__version__ == PROJECT["version"]


def test_licence(dist):
    """The wheel's metadata name the licence, and its text is in the wheel."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        lines = archive.read(name).decode().splitlines()
        text = archive.read("guardrails/LICENSE").decode()
    assert "License-Expression: Apache-2.0" in lines
    assert "License-File: guardrails/LICENSE" in lines
    assert "Version 2.0, January 2004" in text


def test_public_names():
    """`__all__` is sorted and is what `dir()` gives; every object in it, and each of its methods, has a docstring."""
    assert guardrails.__all__ == sorted(guardrails.__all__) == dir(guardrails)
    for name in guardrails.__all__:
        public = getattr(guardrails, name)
        assert public.__doc__, name
        members = vars(public) if isinstance(public, type) else {}
        undocumented = [m for m, v in members.items() if not m.startswith("_") and callable(v) and not v.__doc__]
        assert not undocumented, name

"""The package is whole however it is installed: wheel, editable, checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import guardrails

ROOT = Path(guardrails.__file__).resolve().parent.parent
# Makes the guard, which reads, compiles and tries the shipped policies.
PROBE = """
import json, pathlib, guardrails
from guardrails.evaluate import bundle
guard = guardrails.Guard.from_config({"log": {"enabled": False}})
package, policies = pathlib.Path(guardrails.__file__).parent, bundle.shipped()
whole = [package / "py.typed", package / "classify" / "operations" / "ec2.json", policies / "schemas" / "input.json",
         policies / "README.md"]
print(json.dumps([str(package), str(policies), guard.revision, [str(p) for p in whole if not p.is_file()]]))
"""


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """A wheel, built from a source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    return folder


@pytest.fixture
def fresh(tmp_path):
    """The Python of a virtual environment without this project; the dependencies come by PYTHONPATH."""
    venv.create(tmp_path / "venv", with_pip=False)
    return tmp_path / "venv" / "bin" / "python"


def _run(*command, cwd):
    # Folders on PYTHONPATH do not have their .pth files read, so an editable install is not seen through it.
    env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "HOME": str(cwd)}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _probe(python, cwd):
    package, policies, revision, missing = json.loads(_run(str(python), "-c", PROBE, cwd=cwd))
    assert not missing
    assert revision == guardrails.Guard.from_config({"log": {"enabled": False}}).revision
    return Path(package), Path(policies)


def test_installed_wheel(fresh, dist, tmp_path):
    """A wheel built from the source distribution holds the policies inside the package, and they work."""
    (wheel,) = dist.glob("*.whl")
    _run(sys.executable, "-m", "pip", "--python", str(fresh), "install", "--no-deps", str(wheel), cwd=tmp_path)
    package, policies = _probe(fresh, tmp_path)
    assert package.is_relative_to(tmp_path / "venv")
    assert policies == package / "policies"


def test_editable_install(fresh, tmp_path):
    """An editable install uses the policies of the checkout."""
    command = ("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    _run(sys.executable, "-m", "pip", "--python", str(fresh), *command, cwd=tmp_path)
    assert _probe(fresh, tmp_path) == (ROOT / "guardrails", ROOT / "policies")


def test_checkout(fresh):
    """A checkout works without being installed."""
    assert _probe(fresh, ROOT) == (ROOT / "guardrails", ROOT / "policies")


def test_importing_pulls_in_no_extra(fresh):
    """`import guardrails` loads no command line, no moto, no OPA client (200 ms) and no engine."""
    names = ("click", "rich", "moto", "opa_client", "requests", "regorus")
    code = f"import sys, guardrails; print([name for name in {names} if name in sys.modules])"
    assert _run(str(fresh), "-c", code, cwd=ROOT).strip() == "[]"


def test_public_names():
    """`__all__` is sorted, and every public thing in it, and each of its methods, says what it is."""
    assert guardrails.__all__ == sorted(guardrails.__all__)
    for name in guardrails.__all__:
        public = getattr(guardrails, name)
        assert public.__doc__, name
        members = vars(public) if isinstance(public, type) else {}
        undocumented = [m for m, v in members.items() if not m.startswith("_") and callable(v) and not v.__doc__]
        assert not undocumented, name

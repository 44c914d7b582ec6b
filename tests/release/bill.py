"""The bill of materials of a release: ``python -m tests.release.bill FOLDER``.

Installs the package with its run-time extras into an environment of its own, and writes three files:

- ``sbom.cdx.json``: every distribution that is needed at run time, in CycloneDX's format;
- ``engine.cdx.json``: the crates inside the embedded engine, as its wheel lists them;
- ``licences.txt``: name, version and licence of each.

Exit code 1 if a licence is unknown or does not go with Apache-2.0. It needs a package index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tests.release.licences import licence, refused, refused_crates
from tests.support.environments import ROOT

# The run-time extras; `demo`, `bench` and `dev` are for trying and testing.
EXTRAS = "cli,opa,otel,signing"
TOOL = "cyclonedx-bom==7.5.0"


def environment(folder: Path, *requirements: str) -> Path:
    """The Python of a new environment with these requirements. Raises CalledProcessError."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True)
    return python


def installed(python: Path) -> list[Distribution]:
    """What is installed there, by name, without pip and setuptools, which come with an environment."""
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    found = [each for each in distributions(path=[str(packages)]) if each.name not in {"pip", "setuptools"}]
    return sorted(found, key=lambda each: each.name.lower())


def write(folder: Path, work: Path) -> list[str]:
    """Write the three files; a line for each licence that is not accepted."""
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(work / "package", f"{ROOT}[{EXTRAS}]")
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "pip", "setuptools"], check=True)
    tool = environment(work / "tool", TOOL)
    command = ("environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible")
    written = ("--output-file", str(folder / "sbom.cdx.json"), str(python))
    subprocess.run([tool, "-m", "cyclonedx_py", *command, *written], check=True)
    found = installed(python)
    (engine,) = [each for each in found if each.name == "gordon-to-regorus"]
    (crates,) = [file for file in engine.files or () if file.name.endswith(".cyclonedx.json")]
    text = crates.locate().read_text("utf-8")
    (folder / "engine.cdx.json").write_text(text, "utf-8")
    lines = [f"{each.name} {each.version}: {licence(each.metadata) or 'no licence'}\n" for each in found]
    (folder / "licences.txt").write_text("".join(lines), "utf-8")
    return refused(found) + refused_crates(json.loads(text)["components"])


def main() -> int:
    """Write the files into the folder named on the command line, and print what is not accepted."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        problems = write(folder, Path(work))
    listed = json.loads((folder / "sbom.cdx.json").read_text("utf-8"))["components"]
    print(f"{len(listed)} distributions in {folder}/sbom.cdx.json; {len(problems)} licences not accepted")
    print("".join(f"not accepted: {line}\n" for line in problems), end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

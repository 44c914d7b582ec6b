"""Builds the conda recipe of the page `release`, and has its test run: ``python -m tests.release.conda``.

rattler-build, from PyPI, does both. Its channel is made here, of this machine's Python and of PyPI's wheels, under
conda's names. So it shows that the recipe builds, installs with all that it asks for, and passes its tests; not what
conda-forge has. Exit code 1 where something failed. It needs a package index, and Linux on x86-64.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path, PurePath
from zipfile import ZipFile

import yaml

from tests.docs.test_pages import block
from tests.release.bill import environment
from tests.support.environments import ROOT

TOOL = "py-rattler-build==0.73.0"
_BUILD = """
import sys
from rattler_build import build_recipes
recipe, channel, built = sys.argv[1:]
build_recipes([recipe], channel=[f"file://{channel}"], output_dir=built)
"""
_VERSION = ".".join(map(str, sys.version_info[:2]))
_LIBRARY = f"lib/python{_VERSION}"
# Of this machine's Python: neither its tests nor what was installed into it.
_LEFT_OUT = {"site-packages", "test", "idlelib", "__pycache__"}
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def main() -> int:
    """Build, test, and say what was built; 1 where rattler-build failed."""
    recipe = yaml.safe_load(block("release", "yaml", "schema_version"))
    with tempfile.TemporaryDirectory(prefix="guardrails-conda-") as folder:
        work = Path(folder)
        source = work / "source"
        subprocess.run(("git", "clone", "-q", ROOT, source), check=True)
        (source / "recipe.yaml").write_text(block("release", "yaml", "schema_version"), "utf-8")
        channel = Channel(work / "channel")
        channel.add_python()
        for wheel in _wheels(recipe["requirements"], work / "wheels"):
            channel.add_wheel(wheel)
        channel.write_index()
        command = (
            environment(work / "tool", TOOL),
            "-W",
            "ignore",
            "-c",
            _BUILD,
            source / "recipe.yaml",
            channel.folder,
            work / "built",
        )
        if subprocess.run(command, cwd=work, env=_CLEAN, check=False).returncode:
            return 1
        (built,) = work.glob("built/noarch/*.conda")
        sys.stdout.write(f"{built.name}: built, installed with {len(channel.names)} others, and its tests passed\n")
    return 0


def _wheels(requirements: Mapping[str, list[str]], folder: Path) -> Iterator[Path]:
    """What the recipe asks for but Python, and what that needs, from the package index."""
    wanted = [each for each in {*requirements["host"], *requirements["run"]} if not each.startswith("python ")]
    command = (sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", folder, *wanted)
    subprocess.run(command, check=True)
    yield from sorted(folder.glob("*.whl"))


class Channel:
    """A folder that conda's tools take packages from. A package is an archive of files and what it is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._packages: dict[str, dict[str, dict[str, object]]] = {"linux-64": {}, "noarch": {}}
        for subdir in self._packages:
            (folder / subdir).mkdir(parents=True)

    @property
    def names(self) -> list[object]:
        """The packages' names."""
        return [each["name"] for packages in self._packages.values() for each in packages.values()]

    def add_python(self) -> None:
        """The Python that runs this, which finds its library beside itself, wherever it is installed."""
        prefix, found = Path(sys.base_prefix), {}
        for path in [prefix / "bin" / f"python{_VERSION}", *(prefix / "lib").rglob("*")]:
            inner = path.relative_to(prefix)
            if path.is_file() and not _LEFT_OUT & {*inner.parts} and inner.suffix != ".a":
                found[str(inner)] = path.read_bytes()
        found["bin/python"] = found["bin/python3"] = found[f"bin/python{_VERSION}"]
        version = ".".join(map(str, sys.version_info[:3]))
        more = {"python_site_packages_path": f"{_LIBRARY}/site-packages"}
        self._add("linux-64", "python", version, [], found, **more)

    def add_wheel(self, wheel: Path) -> None:
        """A distribution, with the same requirements; one with compiled parts, too, is for every Python here."""
        with ZipFile(wheel) as archive:
            found = {f"site-packages/{name}": archive.read(name) for name in archive.namelist() if name[-1] != "/"}
            (about,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            metadata = HeaderParser().parsestr(archive.read(about).decode())
        needs = [each for each in metadata.get_all("Requires-Dist") or () if ";" not in each]
        depends = [re.sub(r"^([\w.-]+)(\[.*?\])?\s*\(?(.*?)\)?$", r"\1 \3", each).strip().lower() for each in needs]
        name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
        self._add("noarch", name, metadata["Version"], ["python", *depends], found, noarch="python")

    def _add(
        self, subdir: str, name: str, version: str, depends: list[str], found: Mapping[str, bytes], **more: str
    ) -> None:
        about = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
                 "subdir": subdir, **more}  # fmt: skip
        link = {"package_metadata_version": 1, "noarch": {"type": "python"}}
        paths = [
            {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(data).hexdigest(),
                "size_in_bytes": len(data),
            }
            for path, data in found.items()
        ]
        info: dict[str, object] = {"index": about, "paths": {"paths": paths, "paths_version": 1}}
        info |= {"link": link} if subdir == "noarch" else {}
        file = self.folder / subdir / f"{name}-{version}-0.tar.bz2"
        with tarfile.open(file, "w:bz2", compresslevel=1) as archive:
            for path, value in info.items():
                _put(archive, f"info/{path}.json", json.dumps(value).encode())
            for path, data in found.items():
                _put(archive, path, data)
        packed = file.read_bytes()
        self._packages[subdir][file.name] = {
            **about,
            "sha256": hashlib.sha256(packed).hexdigest(),
            "md5": hashlib.md5(packed, usedforsecurity=False).hexdigest(),
            "size": len(packed),
        }

    def write_index(self) -> None:
        """What is in it, as conda's tools read it."""
        for subdir, packages in self._packages.items():
            index = {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}, "repodata_version": 1}
            (self.folder / subdir / "repodata.json").write_text(json.dumps(index), "utf-8")


def _put(archive: tarfile.TarFile, path: str, data: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), 0o755 if PurePath(path).parts[0] == "bin" else 0o644
    archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    sys.exit(main())

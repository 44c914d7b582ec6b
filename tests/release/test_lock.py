"""The lock of CI's dependencies: complete, exact, with hashes, and within what pyproject.toml allows."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from tests.release import lock
from tests.support.environments import PROJECT, ROOT

LOCKED = lock.entries(lock.LOCK.read_text("utf-8"))
PLATFORMS = [
    {"sys_platform": system, "os_name": "posix", "platform_system": name, "platform_python_implementation": "CPython",
     "implementation_name": "cpython", "python_version": version, "python_full_version": f"{version}.7"}
    for system, name in (("linux", "Linux"), ("darwin", "Darwin"))
    for version in ("3.11", "3.12", "3.13", "3.14", "3.15")
]  # fmt: skip


def wanted(extra):
    """What an extra needs beside the package itself, through other extras of ours as well."""
    lines = PROJECT["dependencies"] if not extra else PROJECT["optional-dependencies"][extra]
    for line in lines:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            for other in requirement.extras:
                yield from wanted(other)
        else:
            yield requirement


def locked(name, platform):
    """The versions of a distribution that the lock installs on a platform."""
    return [
        next(iter(entry.specifier)).version
        for entry in LOCKED
        if entry.name == name and (entry.marker is None or entry.marker.evaluate(platform))
    ]


def test_every_entry_is_one_version_with_hashes():
    """Every line names one exact version and the hashes of its files, and no index or address."""
    for entry, hashes in LOCKED.items():
        assert [each.operator for each in entry.specifier] == ["=="], entry
        assert entry.url is None, entry
        assert hashes, entry
    assert not re.search(r"://|^-", lock.LOCK.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: f"{each['sys_platform']}-{each['python_version']}")
def test_it_satisfies_the_project(platform):
    """On each platform the lock has one version of everything that pyproject.toml asks for, and one that it allows."""
    for requirement in [*wanted(""), *wanted("dev")]:
        if requirement.marker is None or requirement.marker.evaluate(platform):
            versions = locked(requirement.name.lower().replace("_", "-"), platform)
            assert len(versions) == 1, requirement
            assert requirement.specifier.contains(versions[0], prereleases=True), f"{requirement}: {versions[0]}"


def test_a_changed_file_is_refused(tmp_path):
    """pip refuses a distribution that is not the one of the lock, with the words that .ci/run looks for."""
    wheel = tmp_path / "attrs-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\5\6" + bytes(18))
    (tmp_path / "lock.txt").write_text(f"attrs==1.0 --hash=sha256:{'0' * 64}\n")
    command = (
        "install",
        "--no-index",
        "--find-links",
        str(tmp_path),
        "--require-hashes",
        "--target",
        str(tmp_path / "t"),
    )
    done = subprocess.run(
        (sys.executable, "-m", "pip", *command, "-r", str(tmp_path / "lock.txt")),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "DO NOT MATCH THE HASHES" in (ROOT / ".ci" / "run").read_text("utf-8")

"""The versions that the package promises are those that `python -m tests.versions` tries, and its page names them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.environments import PROJECT
from tests.versions import __main__ as command
from tests.versions import interpreters
from tests.versions.asking import SENDS, ask
from tests.versions.cells import SOFTWARE, Cell, cell
from tests.versions.probe import STEPS


def test_the_classifiers_are_what_is_tried():
    """The classifiers name each Python that is tried, and no other; the oldest is the one that is required."""
    classifiers = [line.rpartition(" :: ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", line)]
    assert tuple(classifiers) == interpreters.SUPPORTED
    assert PROJECT["requires-python"] == f">={interpreters.SUPPORTED[0]}"


def test_the_page_has_a_word_for_each_cell():
    """The page's table has each row of software and each Python, and none that was tried fails."""
    page = command.PAGE.read_text("utf-8")
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert {software.name for software in SOFTWARE} <= rows.keys()
    for software in SOFTWARE:
        words = [word.strip() for word in rows[software.name].strip("|").split("|")[1:]]
        assert len(words) == len(interpreters.SUPPORTED)
        assert not [word for word in words if not word.startswith(("works", "cannot be had", "not "))]


def test_this_python_is_found():
    """This interpreter is the one that is taken for its version."""
    assert interpreters.found()[f"{sys.version_info.major}.{sys.version_info.minor}"] == sys.executable


def test_every_step_is_counted():
    """Each step of the probe says how many requests it may send."""
    assert STEPS.keys() == SENDS.keys()


def test_a_probe_without_the_guard_fails(aws, tmp_path):
    """A step that is not guarded is found by what the server counted, and an interpreter that ends by what it said."""
    assert ask(sys.executable, ["child"], aws, tmp_path)["child"] == "1 requests to terminate, not 0"
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 1\n")
    broken.chmod(0o755)
    assert "it is broken" in ask(str(broken), ["install"], aws, tmp_path)["install"]


def test_words():
    """The table says what works, what fails in which step, and what cannot be had."""
    assert Cell("botocore 1.35.0").word == "works: botocore 1.35.0"
    assert Cell("", (("denied", "it was sent"),)).word == "fails: denied"
    assert Cell(missing="no wheel").word == "cannot be had"


@pytest.mark.tools
def test_the_oldest_of_every_dependency(aws):
    """In this Python the guard works with each dependency in the oldest version that pyproject.toml allows."""
    made = cell(SOFTWARE[0], sys.executable, aws)
    assert made.missing == ""
    assert made.wrong == ()
    lowest = re.search(r"botocore>=([\d.]+)", ",".join(PROJECT["dependencies"]))[1]
    assert f"botocore {lowest}" in made.versions


def test_help():
    """Both commands describe their options."""
    for name in ("versions", "suites"):
        done = subprocess.run(
            [sys.executable, "-m", f"tests.{name}", "--help"], capture_output=True, text=True, check=True
        )
        assert "--write" in done.stdout

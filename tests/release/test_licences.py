"""Everything that the guard needs at run time has a licence that goes with Apache-2.0."""

from __future__ import annotations

from email.message import Message

import pytest

from tests.engines.upstream import wheel
from tests.release import licences
from tests.support.environments import PROJECT

INSTALLED = [*PROJECT["dependencies"], *(line for extra in ("cli", "opa", "signing")
             for line in PROJECT["optional-dependencies"][extra])]  # fmt: skip


def test_every_licence_is_accepted():
    """Of the dependencies and theirs, none is unknown or copyleft, listed exceptions apart."""
    found = list(licences.needed(INSTALLED))
    names = {each.metadata["Name"].lower() for each in found}
    assert {"attrs", "botocore", "certifi", "cryptography", "gordon-to-regorus", "urllib3"} <= names
    assert licences.refused(found) == []


def test_the_crates_inside_the_engine():
    """The crates that the engine's wheel lists are accepted as well, and upstream's is among them in that version."""
    ours = wheel.installed()
    parts = wheel.parts(ours)
    assert licences.refused_crates(parts) == []
    assert ("regorus", ours.version) in {(part["name"], part["version"]) for part in parts}


def test_the_engines_files_are_those_of_its_wheel():
    """The installed engine's files have the hashes that its wheel recorded."""
    assert wheel.changed_files(wheel.installed()) == []
    assert wheel.compiler(wheel.installed())


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("GPL-2.0-only OR MIT", True),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only", False),
        ("MIT AND LGPL-2.1-or-later", False),
        ("(MIT OR Apache-2.0) AND GPL-2.0-only", False),
        ("MPL-2.0", False),
        ("MIT OR", False),
        ("(MIT", False),
        ("MIT Apache-2.0", False),
        ("", False),
    ],
)
def test_expressions(expression, fine):
    """Of a choice one accepted licence is enough; of several that apply, each must be; nonsense is refused."""
    assert licences.accepted(expression) is fine


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"License": "Apache License 2.0"}, "Apache-2.0"),
        ({"License": "see LICENSE", "Classifier": "License :: OSI Approved :: BSD License"}, "BSD-3-Clause"),
        ({"License": "GPLv3", "Classifier": "License :: OSI Approved :: MIT License"}, "GPLv3"),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
         "GNU General Public License v3 (GPLv3)"),
        ({}, ""),
    ],
)  # fmt: skip
def test_what_a_distribution_says(fields, expected):
    """The expression comes first, then a field that is a licence's name, then classifiers; a GPL is never hidden."""
    metadata = Message()
    for name, value in fields.items():
        metadata[name] = value
    assert licences.licence(metadata) == expected

"""The licences of what the guard needs at run time, and which of them go with Apache-2.0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.message import Message
from importlib.metadata import Distribution
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# SPDX names of licences that ask for no more than a notice, so a program under Apache-2.0 may depend on them.
ACCEPTED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "ISC", "MIT",
    "MIT-0", "PSF-2.0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip
# Mozilla's licence covers changes of its own files. The certificates come with requests (extra `opa`); they are
# installed as they are, and no file of them is in our package.
EXCEPTIONS = {"certifi": "MPL-2.0"}
# What distributions write that do not use SPDX names yet.
SPELLINGS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "license :: osi approved :: apache software license": "Apache-2.0",
    "license :: osi approved :: bsd license": "BSD-3-Clause",
    "license :: osi approved :: mit license": "MIT",
    "license :: osi approved :: mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "license :: osi approved :: python software foundation license": "PSF-2.0",
}
_WORD = re.compile(r"\(|\)|[^\s()]+(?: WITH [^\s()]+)?")


def licence(metadata: Message) -> str:
    """The SPDX expression of a distribution, from its expression, its licence field or its classifiers; "" if unknown.

    Several classifiers all apply.
    """
    if expression := metadata["License-Expression"]:
        return str(expression)
    written = str(metadata["License"] or "").strip()
    if written and (accepted(spelled := SPELLINGS.get(written.lower(), written)) or "GPL" in written.upper()):
        return spelled
    classifiers = [str(line) for line in metadata.get_all("Classifier", []) if str(line).startswith("License ::")]
    return " AND ".join(SPELLINGS.get(line.lower(), line.rpartition(" :: ")[2]) for line in classifiers) or written


def accepted(expression: str) -> bool:
    """Whether the expression leaves a choice of accepted licences only. One that cannot be read is not accepted."""
    words = _WORD.findall(expression)
    try:
        return _either(words) and not words
    except IndexError:
        return False


def _either(words: list[str]) -> bool:
    answer = _both(words)
    while words and words[0] == "OR":
        words.pop(0)
        answer = _both(words) or answer
    return answer


def _both(words: list[str]) -> bool:
    answer = _one(words)
    while words and words[0] == "AND":
        words.pop(0)
        answer = _one(words) and answer
    return answer


def _one(words: list[str]) -> bool:
    word = words.pop(0)
    if word != "(":
        return word in ACCEPTED
    answer = _either(words)
    return words.pop(0) == ")" and answer


def refused(distributions: Iterable[Distribution]) -> list[str]:
    """A line for each distribution whose licence is neither accepted nor a listed exception."""
    lines = []
    for each in distributions:
        name, written = canonicalize_name(each.metadata["Name"]), licence(each.metadata)  # type: ignore[arg-type]
        if not accepted(written) and EXCEPTIONS.get(name) != written:
            lines.append(f"{name} {each.version}: {written or 'no licence'}")
    return lines


def refused_crates(components: Iterable[dict[str, Any]]) -> list[str]:
    """The same for the components of an SBOM in CycloneDX's format."""
    lines = []
    for each in components:
        written = [entry.get("expression") or entry["license"].get("id", "") for entry in each.get("licenses", ())]
        if not written or not all(map(accepted, written)):
            lines.append(f"{each['name']} {each['version']}: {' AND '.join(written) or 'no licence'}")
    return lines


def needed(lines: Iterable[str]) -> Iterator[Distribution]:
    """The installed distributions that the requirements need, through others as well.

    Raises PackageNotFoundError for one that is not installed.
    """
    waiting = [Requirement(line) for line in lines]
    done: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        found = Distribution.from_name(name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in done:
                if not any(known == name for known, _ in done):
                    yield found
                done.add((name, extra))
                waiting += _of_extra(found, extra)


def _of_extra(found: Distribution, extra: str) -> Iterator[Requirement]:
    """What a distribution needs for an extra, without the markers that said so."""
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            requirement.marker = None
            yield requirement

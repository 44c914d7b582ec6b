"""Plain English: no file uses the phrases that a tired reader has to read twice.

The list holds phrases that were common in this project before. It is short: a test cannot judge a sentence.
"""

from __future__ import annotations

import re

import pytest

from tests.support.environments import ROOT

# (pattern, what to write instead); upper and lower case are the same.
AVOIDED = [
    (r"nobody('s| can| knows| sits| is asked| has)\b", "no one; cannot be determined; untagged"),
    (r"all the same\b", "anyway, still"),
    (r"(person's|your) word\b", "confirmation"),
    (r"(go|goes|going|went|gone) round\b", "bypass, get past"),
    (r"\bmend(s|ed|ing)?\b", "fix, repair"),
    (r"(?<!there\x20)\b(is|are|was) no (key|text|list|table|number|bundle|object|script|terminal|name)\b", "is not a"),
    (r"\b(is|are|was|were) told\b", "is reported to, gets, is notified"),
    (r"\bof one's own\b|\bof theirs\b", "your own, a separate, their"),
    (r"\bwhoever\b", "anyone who; or name the person"),
    (r"\btexts? that\b", "a string that"),
    (r"would become of", "impact"),
    (r"\b(is|are|nothing|[0-9]) ill\b", "a problem, wrong"),
    (r"\bcome(s)? out otherwise\b", "changed"),
    (r"\bcannot be told\b", "cannot be determined"),
    (r"as it stands\b", "as it is"),
    (r"by that name\b", "called; of this name"),
    (r"is there twice", "appears twice"),
]
SUFFIXES = {".json", ".md", ".py", ".rego", ".toml"}
# The licence is quoted; this list names what it forbids.
EXCLUDED = {"guardrails/LICENSE", "tests/docs/test_language.py"}
# A phrase may go over the end of a line, in a comment as well.
GAP = r"\s+(?:#\s+)?"


def _texts() -> dict[str, str]:
    """The text of every file of ours, by its path."""
    files = [ROOT / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml")]
    files += [file for folder in ("guardrails", "policies", "tests") for file in sorted((ROOT / folder).rglob("*"))]
    texts = {str(file.relative_to(ROOT)): file for file in files if file.suffix in SUFFIXES}
    return {name: file.read_text("utf-8") for name, file in texts.items() if name not in EXCLUDED}


@pytest.mark.parametrize(("shape", "instead"), AVOIDED)
def test_plain_words(shape, instead):
    """No file has the phrase; a failure names what to write instead."""
    pattern = re.compile(shape.replace(" ", GAP), re.IGNORECASE)
    places = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for name, text in _texts().items()
        for match in pattern.finditer(text)
    ]
    assert not places, f"write: {instead}\n" + "\n".join(places)

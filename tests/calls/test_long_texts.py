"""Patterns that run over what a user sends read every string once: a million characters take no time."""

from __future__ import annotations

import pytest

from guardrails.aws import resource_ids

# With a pattern that reads a run of characters again from each of its members, these would take hours.
LONG = 1_000_000
STARTS = ("", '"StackName":', '"StackName', '"StackName": [', '"StackName":"x', "i-")
RUNS = ("\\", " ", '"', "a", "-", "\t", ":", "[", '\\"', '"StackName":', "i-0", "i-0123456789abcdef0")


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("start", STARTS)
def test_ids_in_a_long_text(start, run):
    """Ids are found in a string of a million characters, whatever is repeated in it."""
    text = f"i-0123456789abcdef0 {start}{run * (LONG // len(run))}"
    assert resource_ids.in_text(text)["i-0123456789abcdef0"] == "instance"


@pytest.mark.parametrize("quote", ['"', '\\"', '\\\\\\"'])
@pytest.mark.parametrize("colon", [":", " : ", ": [ ", ":["])
def test_names_in_json(quote, colon):
    """A name is found in JSON, also in JSON inside a JSON string, with blanks and in a list."""
    text = f"{{{quote}StackName{quote}{colon}{quote}web{quote}}}"
    assert resource_ids.in_text(text) == {"web": "cfn-stack"}

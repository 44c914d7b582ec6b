"""Patterns that run over what a user sends read every string once: a million characters take no time."""

from __future__ import annotations

import time

import pytest

from guardrails.aws import resource_ids
from guardrails.intercept.redact import redact

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


# What a pattern for URLs with credentials might read twice.
URLS = (
    "a",
    ".",
    "a.",
    ":",
    "/",
    "://",
    "a://",
    "a://b",
    "a://b:",
    "a://b:c",
    "@",
    "?",
    "?token=",
    "&sig",
    "&sig=x",
    " a+",
)


def masked(text):
    """The processor time of masking a string, in seconds: the least of three, for the machine has other work."""
    times = []
    for _ in range(3):
        started = time.thread_time()
        redact({"Description": text}, None)
        times.append(time.thread_time() - started)
    return min(times)


@pytest.mark.parametrize("run", URLS)
@pytest.mark.parametrize("start", ["", "https://user:"])
def test_urls_in_a_long_text(start, run):
    """Ten times the text takes about ten times as long to mask, not a hundred times, whatever is repeated in it."""
    short, long = (start + run * (size // len(run)) for size in (20_000, 200_000))
    assert masked(long) < 40 * max(masked(short), 1e-4)


@pytest.mark.parametrize("around", ["", "x" * 100_000, "://" * 30_000])
def test_credentials_in_a_long_text(around):
    """They are masked wherever they are."""
    clean = redact({"Description": f"{around} ftp://me:pass1@host/?X-Amz-Signature=sign1 {around}"}, None)
    assert "pass1" not in clean.params["Description"]
    assert "sign1" not in clean.params["Description"]
    assert clean.masked == ("/Description",)

"""One thing the doctor found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import Factory, field, frozen

from guardrails.show.printable import printable

State = Literal["well", "note", "ill"]


@frozen
class Finding:
    """`about` is the question, `state` the answer in one word, `sentence` what a person reads.

    ``ill`` makes the command's exit code 1. `facts` are for programs.
    """

    about: str = field(converter=printable)
    state: State
    sentence: str = field(converter=printable)
    facts: Mapping[str, Any] = Factory(dict)

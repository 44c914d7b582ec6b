"""One result of the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import Factory, field

from guardrails.show.printable import printable
from guardrails.values import frozen

State = Literal["ok", "note", "problem"]


@frozen
class Finding:
    """`about` is what was checked, `state` the result, `sentence` for people and `facts` for programs.

    A ``problem`` makes the command's exit code 1.
    """

    about: str = field(converter=printable)
    state: State
    sentence: str = field(converter=printable)
    facts: Mapping[str, Any] = Factory(dict)

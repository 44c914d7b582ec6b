"""Which inputs are of one kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from guardrails.policy.compare.situations import Document


def kind_of(document: Document) -> str:
    """The same for inputs that most rules do not tell apart."""
    call, live, shift = (document.get(name) or {} for name in ("call", "live", "shift"))
    if not all(isinstance(each, Mapping) for each in (call, live, shift)):
        return ""
    targets = document.get("targets")
    some = [each for each in targets.values() if isinstance(each, Mapping)] if isinstance(targets, Mapping) else []
    carried = [(each.get("clusters"), each.get("resolved"), _names(each.get("facts"))) for each in some]
    parts = (call.get("effects"), live.get("known"), live.get("disputed"), shift.get("way"), carried)
    return json.dumps(parts, default=str)


def _names(value: Any) -> list[str]:
    return sorted(value) if isinstance(value, Mapping) else []

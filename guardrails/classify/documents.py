"""JSON documents in a call's parameters, such as policies, as the expressions of the catalogue read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def readable(value: Any) -> Any:
    """The parameters, with escaped characters in JSON documents as they are: a D may be written as its number."""
    if isinstance(value, Mapping):
        return {key: readable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [readable(member) for member in value]
    return _plain(value) if isinstance(value, str) and "\\u" in value else value


def _plain(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(document) if isinstance(document, (dict, list)) else text

"""IAM policy documents: whether a new one keeps every permission of the old one. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

# What a statement is about; everything else of it must be the same.
_ABOUT = ("Action", "Resource")
_NOT_COMPARED = (*_ABOUT, "Effect", "Sid", "Principal", "Condition")
# Everyone, as https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html writes it.
_EVERYONE = ("*", {"AWS": "*"})


def keeps(new: Any, old: Any) -> bool:
    """Whether every permission of the document `old` is in `new`, which denies nothing that `old` does not deny.

    Documents are JSON or mappings. Raises ValueError, TypeError or AttributeError for anything else.
    """
    after, before = [*_grants(new)], [*_grants(old)]
    lost = [each for each in before if each["Effect"] == "Allow" and not any(_covers(other, each) for other in after)]
    denied = [each for each in after if each["Effect"] != "Allow" and not any(_covers(other, each) for other in before)]
    return not lost and not denied


def _grants(document: Any) -> Iterator[Mapping[str, Any]]:
    """Each statement once for each of its actions and resources."""
    content = json.loads(document) if isinstance(document, str) else document
    for statement in _listed(content.get("Statement")):
        about = {key: _listed(statement[key]) for key in _ABOUT if key in statement}
        for values in itertools.product(*about.values()):
            yield {"Effect": statement.get("Effect"), **statement, **dict(zip(about, values, strict=True))}


def _covers(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    return (
        wide["Effect"] == narrow["Effect"]
        and _rest(wide) == _rest(narrow)
        and (plain(wide.get("Principal")) in _EVERYONE or _same(wide, narrow, "Principal"))
        and ("Condition" not in wide or _same(wide, narrow, "Condition"))
        and all(_matches(wide.get(key), narrow.get(key), key) for key in _ABOUT)
    )


def _same(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return bool(plain(one.get(key)) == plain(other.get(key)))


def _rest(statement: Mapping[str, Any]) -> Any:
    return plain({key: value for key, value in statement.items() if key not in _NOT_COMPARED})


def _matches(pattern: str | None, name: str | None, key: str) -> bool:
    if pattern is None or name is None:
        return pattern is name
    if key == "Action":
        pattern, name = pattern.lower(), name.lower()
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def plain(value: Any) -> Any:
    """A JSON document with lists of one item like the item alone, and lists in any order, as IAM reads them."""
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return items[0] if len(items) == 1 else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value

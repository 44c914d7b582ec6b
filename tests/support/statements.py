"""What IAM makes of deny statements, for one request: the simulated IAM does not evaluate conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any


def denies(documents: Sequence[Mapping[str, Any]], action: str, context: Mapping[str, Any]) -> bool:
    """Whether a statement of these documents denies the action, by the values of the request's context keys."""
    return any(
        statement["Effect"] == "Deny"
        and any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and all(_holds(operator, keys, context) for operator, keys in statement.get("Condition", {}).items())
        for document in documents
        for statement in document["Statement"]
    )


def _holds(operator: str, keys: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    lowered = {key.lower(): value for key, value in context.items()}
    return all(_one(operator, lowered.get(key.lower()), wanted) for key, wanted in keys.items())


def _one(operator: str, value: Any, wanted: Any) -> bool:
    values = wanted if isinstance(wanted, list) else [wanted]
    match operator:
        case "StringEquals" | "Bool":
            return value in values
        case "StringEqualsIfExists":
            return value is None or value in values
        case "StringNotEquals":
            # A negated operator holds where the key is missing.
            return value not in values
        case "ForAnyValue:StringEquals":
            return any(each in values for each in value or ())
        case "Null":
            return (value is None) is (wanted == "true")
        case "ArnNotLike":
            return not any(fnmatch.fnmatchcase(value or "", pattern) for pattern in values)
    raise NotImplementedError(operator)

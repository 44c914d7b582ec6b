"""CloudFormation's templates: JSON, or YAML with CloudFormation's tags where PyYAML is installed (extra ``cli``)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

# What these say of a resource keeps it when its stack is deleted.
_KEEPS = ("Retain", "RetainExceptOnCreate")


def resources(body: Any) -> Mapping[str, Mapping[str, Any]]:
    """The resources of a template by logical id; none where it cannot be read. botocore gives JSON as a dict."""
    template = _parsed(body) if isinstance(body, str) else body
    found = template.get("Resources") if isinstance(template, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: resource for name, resource in found.items() if isinstance(resource, Mapping)}


def kept(body: Any) -> frozenset[str]:
    """The logical ids of what stays when the stack of this template is deleted."""
    return frozenset(name for name, resource in resources(body).items() if resource.get("DeletionPolicy") in _KEEPS)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        # Few templates need it, and not every program has it.
        yaml = importlib.import_module("yaml")
    except ImportError:
        return None
    try:
        return yaml.load(text, _loader(yaml))  # strings, lists and dicts only
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _loader(yaml: Any) -> Any:
    """A safe loader of its own, so that no other user of PyYAML gets the tags: ``!Sub x`` is ``{"!Sub": x}``."""

    def tagged(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {f"!{suffix}": value}

    loader: Any = type("_Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", tagged)
    return loader

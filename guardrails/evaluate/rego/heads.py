"""Rules whose head may be undefined are written so that the embedded engine loses nothing.

Measured on regorus 0.13: where the head of a rule is undefined for one of several solutions of its body, the rule ends
there. Of ``deny contains {"message": target.tags.Name} if some target in input.targets`` the denials of all machines
after (or before) one without a name are lost; on OPA only that one is. A head that loops by itself, such as
``input.targets[_].id``, fails where its rule has no body. In a comprehension the engine goes on: see head_parts.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego import head_parts
from guardrails.evaluate.rego.builtins import AVAILABLE
from guardrails.evaluate.rego.head_parts import Body, Head, Key, Text, has_conditions
from guardrails.evaluate.rego.references import called, is_walk, variables
from guardrails.evaluate.rego.rewriting import Edit

_COMPREHENSIONS = ("ArrayCompr", "SetCompr", "ObjectCompr")
# Of an empty list they are undefined.
_PARTIAL = ("min", "max")
_LOOPS = ("SomeIn", "SomeVars")


def edits(rule: Mapping[str, Any], text: Text, keys: Sequence[Key], known: Collection[str]) -> Iterator[Edit]:
    """How a rule is written for the embedded engine.

    `rule` is what a Spec holds, `keys` are those in its name, `known` variables that have a value where the body holds.
    """
    kind, head = next(iter(rule["head"].items()))
    if kind not in ("Set", "Compr", "Func"):
        return
    # A rule without a body has none in the tree.
    bodies: list[Body] = [*(rule.get("bodies") or ())] or [None]
    for body in bodies:
        named = () if body and body["is_else"] else keys
        value = head["key"] if kind == "Set" else head_parts.assigned(head, body)
        parts = [*(key.node for key in named), *filter(None, [value])]
        only_one = not named and (kind == "Compr" or (kind == "Func" and body is bodies[-1]))
        if _may_be_undefined(parts, known) and _is_lost(parts, body, only_one=only_one):
            word = "contains" if kind == "Set" else ":="
            yield from head_parts.edits(Head(word, head, named, value, _loops(parts)), body, text)


def _is_lost(parts: list[Any], body: Body, *, only_one: bool) -> bool:
    """Whether something is lost where the parts of a head are undefined.

    `only_one` is true where there is nothing else to say: no other member of a set or object, and no `else` of a
    function, which is not looked at then.
    """
    if body is None or not has_conditions(body):
        return _loops(parts)
    return not only_one or _loops([parts, body["query"]])


def _loops(node: Any) -> bool:
    """Whether a body or a head may have several solutions."""
    if isinstance(node, list):
        return any(map(_loops, node))
    if not isinstance(node, Mapping):
        return False
    index = node.get("RefBrack", {}).get("index", {})
    if any(kind in node for kind in _LOOPS) or any(variables(index)):
        return True
    if is_walk(node):
        return True
    return any(_loops(value) for key, value in node.items() if key != "span" and key not in _COMPREHENSIONS)


def _may_be_undefined(node: Any, known: Collection[str]) -> bool:
    """Whether an expression over variables may have no value."""
    if isinstance(node, list):
        return any(_may_be_undefined(each, known) for each in node)
    if not isinstance(node, Mapping):
        return False
    for kind, value in node.items():
        if kind in ("RefDot", "RefBrack") or (kind == "Var" and value["value"] not in known):
            return True
        if kind == "Call":
            name = called(value)
            if name not in AVAILABLE or name in _PARTIAL or _may_be_undefined(value["params"], known):
                return True
        elif kind not in ("span", *_COMPREHENSIONS) and _may_be_undefined(value, known):
            return True
    return False

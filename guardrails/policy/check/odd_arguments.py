"""Arguments of functions that the engines take differently: an empty string, and braces in a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import called
from guardrails.evaluate.rego.syntax import Module
from guardrails.policy.check.trees import nodes, string

# Which argument must not be empty.
_NOT_EMPTY = {"regex.split": 0, "strings.count": 1}
_REGEX = re.compile(r"regex\.\w+")
# A brace that begins no number of times, such as {2} or {2,}, and that no backslash is in front of.
_BRACE = re.compile(r"(?<!\\)(?:\\\\)*\{(?!\d+(?:,\d*)?\})")
# \pL and \p{Greek} name letters.
_CLASS = re.compile(r"\\[pP]\{\^?\w+\}")


def of(module: Module) -> Iterator[Mistake]:
    """One mistake for each call with such an argument, where it is written out."""
    for rule in module.rules:
        for call in nodes(rule.node, "Call"):
            name = called(call)
            texts = [string(argument) for argument in call["params"]]
            empty = _NOT_EMPTY.get(name, len(texts))
            if texts[empty : empty + 1] == [""]:
                message = f"{name} with an empty string gives another result on the embedded engine than on OPA"
            elif _REGEX.fullmatch(name) and texts and _BRACE.search(_CLASS.sub("", texts[0] or "")):
                message = "on the embedded engine this { makes the pattern invalid, and on OPA it does not; write \\{"
            else:
                continue
            yield Mistake(module.file, call["span"]["line"], call["span"]["col"], "argument", message)

"""Verbs of `sprintf` that the embedded engine does not write as OPA does, such as ``%t``, ``%5d`` and ``%.2f``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import called
from guardrails.evaluate.rego.syntax import Module
from guardrails.policy.check.trees import nodes, string

_VERB = re.compile(r"%[-+# 0]*[0-9.]*[a-zA-Z%]?")
_SAME = ("%v", "%s", "%d", "%%")


def of(module: Module) -> Iterator[Mistake]:
    """One mistake for each call whose text has such a verb."""
    for rule in module.rules:
        for call in nodes(rule.node, "Call"):
            if called(call) != "sprintf" or not call["params"]:
                continue
            verbs = [verb for verb in _VERB.findall(string(call["params"][0]) or "") if verb not in _SAME]
            if verbs:
                span = call["span"]
                message = f"the embedded engine does not write {verbs[0]} as OPA does; write %v"
                yield Mistake(module.file, span["line"], span["col"], "format", message)

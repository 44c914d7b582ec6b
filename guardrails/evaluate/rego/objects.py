"""Objects that rules build in parts, such as ``allowed.x := true if …``, are there even where they are empty.

Measured on regorus 0.13: where none of those rules holds, ``allowed`` is undefined, and ``not allowed`` is true; on OPA
it is empty, and a ``count`` of it is 0. One more rule, ``allowed[0] := 0 if false``, adds nothing and makes it empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from guardrails.evaluate.rego.references import Path
from guardrails.evaluate.rego.rewriting import written
from guardrails.evaluate.rego.syntax import Module, Rule


def built(module: Module) -> list[Path]:
    """The path of each object that rules of a module build in parts, and that would be undefined without any."""
    return list(dict.fromkeys(path for rule in module.rules for path in _built(rule)))


def _built(rule: Rule) -> Iterator[Path]:
    if not rule.head or rule.form not in ("value", "set"):
        return
    steps = len(rule.path) - len(rule.package)
    # The steps behind the first that only an evaluation can tell, and it.
    more = len(rule.head[0].path) - steps
    if more > (rule.form == "value"):
        yield rule.path
    elif not more and rule.form == "value" and steps > 1:
        yield rule.path[:-1]


def empty(path: Path) -> str:
    """The rule that makes an object empty unless other rules add to it."""
    return f"{written(path)}[0] := 0 if false"


def modules(of: Sequence[Module]) -> dict[str, str]:
    """The sources of modules with such rules, by names that no file has; a module for each package that needs one."""
    rules: dict[Path, dict[str, None]] = {}
    for module in of:
        paths = (path[len(module.package) :] for path in built(module))
        rules.setdefault(module.package[1:], {}).update(dict.fromkeys(map(empty, paths)))
    return {f"(objects of {written(package)})": _source(package, lines) for package, lines in rules.items() if lines}


def _source(package: Path, lines: Iterable[str]) -> str:
    return f"package {written(package)}\n\n" + "\n\n".join(lines) + "\n"

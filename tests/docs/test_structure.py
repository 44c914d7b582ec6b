"""The house: which file may import which, how large files and functions are, and how many lie at the root."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.environments import ROOT

PACKAGE = ROOT / "guardrails"
STAGES = ("intercept", "classify", "resolve", "evaluate", "enforce", "record")


def module_of(file: Path) -> str:
    """``guardrails.show.text`` for its file; a package for its ``__init__.py``."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py")) if "site" not in file.parts}
TREES = {module: ast.parse(file.read_text("utf-8")) for module, file in FILES.items()}


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: what stands under ``if TYPE_CHECKING`` is left out."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield from _nodes(other)
            continue
        yield child
        yield from _nodes(child)


def _imports(module: str, *, everything: bool = False) -> set[tuple[str, str]]:
    """(module, name) for each import of ours, wherever it stands; `everything` counts those for types, too."""
    found = set()
    for node in ast.walk(TREES[module]) if everything else _nodes(TREES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "guardrails":
            found |= {(str(node.module), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names if alias.name.partition(".")[0] == "guardrails"}
    return found


def graph() -> dict[str, set[str]]:
    """Which file imports which. A package counts as imported where a name is taken from its ``__init__.py``."""
    edges: dict[str, set[str]] = {}
    for module in FILES:
        targets = set()
        for origin, name in _imports(module):
            targets.add(f"{origin}.{name}" if f"{origin}.{name}" in FILES else origin)
        edges[module] = {target for target in targets if target in FILES} - {module}
    return edges


def circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The strongly connected parts of more than one member (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in edges.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def folder(module: str) -> str:
    """The folder below guardrails/ that a file is in; a file at the root stands for itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def test_circles_are_found():
    """The search sees a circle, also one of two and one behind a tail, and nothing where there is none."""
    assert circles({"a": ["b"], "b": ["c"], "c": []}) == []
    assert circles({"a": ["b"], "b": ["a"], "c": ["a"]}) == [["a", "b"]]
    assert circles({"t": ["a"], "a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}) == [["a", "b", "c"]]


def test_no_file_imports_itself_through_others():
    """No circle among files, imports inside functions counted."""
    assert circles(graph()) == []


def test_no_folder_imports_itself_through_others():
    """No circle among the folders of the package; files at its root count each for itself."""
    edges: dict[str, set[str]] = {}
    for module, targets in graph().items():
        edges.setdefault(folder(module), set()).update(folder(target) for target in targets)
    # The package itself only hands out public names, when they are asked for.
    edges = {name: targets - {name, ""} for name, targets in edges.items() if name}
    assert circles(edges) == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_know_each_other(stage):
    """A stage imports no other stage; only the pipeline and the guard see them all."""
    edges = graph()
    others = {
        f"{module} -> {target}"
        for module, targets in edges.items()
        if folder(module) == stage
        for target in targets
        if folder(target) in STAGES and folder(target) != stage
    }
    assert others == set()


def test_values_stand_alone():
    """The values that travel through the stages import nothing of ours, for types neither."""
    assert _imports("guardrails.values", everything=True) == set()


def test_private_names_stay_private():
    """Nothing imports another module's private name, nor reaches for one through the module."""
    edges, found = graph(), []
    for module, tree in TREES.items():
        found += [f"{module}: {origin}.{name}" for origin, name in _imports(module) if name.startswith("_")]
        imported = {target.rpartition(".")[2] for target in edges[module]}
        found += [
            f"{module}: {node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported
            if node.attr.startswith("_") and not node.attr.startswith("__")
        ]
    assert found == []


def test_root():
    """At most 12 Python files lie at the root of the package."""
    assert len(list(PACKAGE.glob("*.py"))) <= 12


# Tables: one row after the other, nothing to follow.
TABLES = {"guardrails.values"}


def test_sizes():
    """No function is longer than 40 lines and no file longer than 250, tables apart."""
    large = [
        f"{module}: {len(text)} lines"
        for module, file in FILES.items()
        if len(text := file.read_text("utf-8").splitlines()) > 250 and module not in TABLES
    ]
    large += [
        f"{module}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert large == []

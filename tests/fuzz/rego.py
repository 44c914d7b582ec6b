"""Rego: generated policies and inputs on the embedded engine and on real OPA; differences are made small."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import syntax_trees
from guardrails.policy.check import missing_facts, negations, odd_arguments, sprintf
from tests.fuzz.area import Run
from tests.fuzz.rego_engines import Answer, Embedded, Server, same, servers
from tests.fuzz.rego_program import Program, programs
from tests.fuzz.rego_words import INPUTS
from tests.support.environments import CACHE

_TRIES = 300


def fuzz(run: Run, most: int = 10**9) -> None:
    """Programs while there is time, `most` at most."""
    found = [CACHE / "opa-1.0.0" / "opa", CACHE / "opa-1.22.3" / "opa"]
    paths = [str(path) for path in found if path.is_file()] or [path for path in [shutil.which("opa")] if path]
    if not paths:
        raise SystemExit("rego: there is no opa (.ci/run builds them)")
    with tempfile.TemporaryDirectory() as folder, servers(paths, Path(folder)) as opas:
        comparing = _Comparing(run, opas)
        for number, program in enumerate(programs(run.seed)):
            if not run.time_left or number >= most:
                return
            comparing.compare(program)


class _Comparing:
    def __init__(self, run: Run, opas: list[Server]) -> None:
        self._run = run
        self._opas = opas
        self._embedded = Embedded()

    def compare(self, program: Program) -> None:
        """Report how the engines differ on a program, with the smallest that differs in the same way."""
        self._run.counts["programs"] += 1
        kind, _ = self._differs(program, count=True)
        if not kind:
            return
        program = self._smallest(program, kind)
        _, how = self._differs(program)
        body = program.source().partition("\n")[2].strip().replace("\n", " ¶ ")
        self._run.found(kind, f"{body}   {how}")

    def _smallest(self, program: Program, kind: str) -> Program:
        """One that differs in the same way, and gets no smaller."""
        tries = 0
        smaller = program.smaller()
        while tries < _TRIES and (less := next(smaller, None)) is not None:
            tries += 1
            if len(less.source()) < len(program.source()) and self._differs(less)[0] == kind:
                program, smaller = less, less.smaller()
        return program

    def _differs(self, program: Program, *, count: bool = False) -> tuple[str, str]:
        """The kind of difference, and the input with the answers; "" where there is none."""
        source = program.source()
        refused = [opa.load(source) for opa in self._opas]
        if any(refused):
            self._run.counts["programs that OPA refuses"] += count
            return "", ""
        if why := self._embedded.load(source):
            self._run.counts["programs that only the guard refuses"] += count
            return "", why
        for number, document in enumerate(INPUTS):
            ours = self._embedded.ask(document)
            for opa in self._opas:
                theirs = opa.ask(document)
                self._run.counts["answers compared"] += count
                if ours.kind != theirs.kind and "failed" in (ours.kind, theirs.kind):
                    # Then the call is denied.
                    self._run.counts[f"answers where only {'OPA' if theirs.kind == 'failed' else 'we'} fail"] += count
                elif kind := _kind(ours, theirs):
                    if _reported(source):
                        self._run.counts["differences that policy check reports"] += count
                        return "", ""
                    return kind, f"input {number}: embedded {ours}, {opa.name} {theirs}"
        return "", ""


def _reported(source: str) -> bool:
    """Whether `guardrails policy check` says that the engines disagree about this module."""
    (entry,) = syntax_trees(Bundle({"fuzz.rego": source}, {}, ""))
    module = Module(entry)
    missing = missing_facts.of(module, {}, negations.defined([module]))
    return any((*missing, *sprintf.of(module), *odd_arguments.of(module)))


def _kind(ours: Answer, theirs: Answer) -> str:
    if ours.kind == theirs.kind == "failed":
        return ""
    if ours.kind != theirs.kind:
        return f"embedded {ours.kind}, OPA {theirs.kind}"
    return "" if same(ours.value, theirs.value) else "another value"


def answers(source: str, document: Any, opas: list[Server]) -> list[Answer]:
    """What each engine makes of a module, the embedded one first; for the regression tests."""
    engines = [Embedded(), *opas]
    return [Answer("refused", why) if (why := engine.load(source)) else engine.ask(document) for engine in engines]

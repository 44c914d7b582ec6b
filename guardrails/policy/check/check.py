"""Finds the mistakes in policies before they guard anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate import accepted
from guardrails.evaluate.bundle import Bundle, params_of, read, shipped
from guardrails.evaluate.checked import parsed, prepared, syntax_of
from guardrails.evaluate.rego import lint, silent
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import explain
from guardrails.policy.check import loaded, opa_check, parameters

_LOCATED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<message>.*)", re.DOTALL)


def check(folders: Iterable[Path], opa: str | None = None) -> tuple[list[Mistake], int]:
    """The mistakes in the .rego files below `folders`, sorted, and the number of files.

    The policies may use the shipped ones. `opa` is an OPA program to run as well. Raises PolicyError if a folder cannot
    be read.
    """
    ours, wanted = shipped(), [Path(os.path.realpath(folder)) for folder in folders]
    bundle = read((ours, *(folder for folder in wanted if not folder.is_relative_to(ours))), tests=True)
    files = [name for name in bundle.modules if any(Path(name).is_relative_to(folder) for folder in wanted)]
    mistakes = set(_syntax(bundle, files))
    broken = {mistake.file for mistake in mistakes}
    parsable = evolve(bundle, modules={name: text for name, text in bundle.modules.items() if name not in broken})
    modules = parsed(parsable)
    if not broken:
        # Every reference to a rule of a broken file would be reported as undefined.
        mistakes |= set(_across_files(bundle, modules, set(files)))
        mistakes |= {mistake for mistake in silent.mistakes(modules) if mistake.file in files}
        mistakes |= set(parameters.of(params_of(bundle), wanted))
        if all(silent.left_out(mistake.file) for mistake in mistakes):
            mistakes |= set(_refused([folder for folder in wanted if not folder.is_relative_to(ours)], files))
    mistakes |= set(loaded.findings([module for module in modules if module.file in files], wanted, bundle.modules))
    if opa is not None:
        reported = {(mistake.file, mistake.line) for mistake in mistakes}
        on_disk = [name for name in bundle.modules if Path(name).is_file()]
        mistakes |= {
            mistake
            for mistake in opa_check.mistakes(opa, on_disk)
            if mistake.file in files and (mistake.file, mistake.line) not in reported
        }
    return sorted(mistakes), len(files)


def _syntax(bundle: Bundle, files: Sequence[str]) -> Iterator[Mistake]:
    """Parses each file by itself, so that a broken one does not hide the next."""
    for name in files:
        try:
            syntax_of(Bundle({name: bundle.modules[name]}, {}, ""))
        except PolicyError as error:
            yield _mistake(error, "syntax", name)


def _across_files(bundle: Bundle, modules: Sequence[Module], files: set[str]) -> Iterator[Mistake]:
    """What only all files together show: undefined names, recursion, unsafe variables."""
    errors = list(lint.mistakes(modules, bundle.data))
    yield from (mistake for mistake in (_mistake(error, "lint") for error in errors) if mistake.file in files)
    if errors:
        return
    try:
        prepared(bundle).eval_rule_as_json("data")
    except BaseException as error:  # regorus panics with a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        yield from _at_evaluation(bundle, error, files)


def _at_evaluation(bundle: Bundle, error: BaseException, files: set[str]) -> Iterator[Mistake]:
    try:
        prepared(bundle)
    except PolicyError as refusal:
        mistake = _mistake(refusal, "compile", min(files))
    else:
        mistake = _mistake(PolicyError(explain(error)), "compile")
        if "is unsafe" not in mistake.message:
            # There is no input here, so other errors need not be the policy's fault.
            return
    if mistake.file in files:
        yield mistake


def _refused(folders: Sequence[Path], files: Sequence[str]) -> Iterator[Mistake]:
    """What `install()` would still refuse, and only an evaluation shows."""
    try:
        accepted.check(folders)
    except PolicyError as refusal:
        yield _mistake(refusal, "load", min(files, default=""))


def _mistake(error: PolicyError, code: str, file: str = "") -> Mistake:
    located = _LOCATED.fullmatch(str(error))
    if located is None:
        return Mistake(file, 1, 1, code, str(error))
    return Mistake(located["file"], int(located["line"]), int(located["column"] or 1), code, located["message"])

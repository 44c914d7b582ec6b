"""The rules that a configuration adds to the shipped ones: those that could never act are refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle, is_collector, policy_files, read_text, shipped

if TYPE_CHECKING:
    from guardrails.evaluate.rego.syntax import Module

_LEVEL = re.compile(r"^[ \t]*(deny|confirm|warn)\b", re.MULTILINE)


def modules(bundle: Bundle) -> list[Module]:
    """The modules that are not the shipped files, and the one that collects the areas. Raises PolicyError."""
    ours = (shipped(),)
    own = {name: text for name, text in bundle.modules.items() if is_collector(text) or not is_below(name, ours)}
    # Alone, the collector has nothing to collect from.
    if len(own) <= 1:
        return []
    from guardrails.evaluate.checked import parsed  # noqa: PLC0415  (only for added policies)

    return parsed(evolve(bundle, modules=own))


def check(bundle: Bundle, folders: Iterable[Path]) -> None:
    """Raise PolicyError for the first rule that could never act, in the bundle or in the folders' files of tests."""
    added = [*modules(bundle), *_tests_with_rules(folders)]
    if not added:
        return
    from guardrails.evaluate.rego import silent  # noqa: PLC0415  (only for added policies)

    mistakes = sorted(silent.mistakes(added))
    if mistakes:
        more = f" ({len(mistakes) - 1} more; `guardrails policy check` lists all)" if len(mistakes) > 1 else ""
        raise PolicyError(f"{mistakes[0]}{more}")


def _tests_with_rules(folders: Iterable[Path]) -> Iterator[Module]:
    """The files of tests that also seem to define a rule; they are not loaded."""
    for folder in folders:
        from guardrails.evaluate.checked import parsed  # noqa: PLC0415  (only for added policies)
        from guardrails.evaluate.rego import silent  # noqa: PLC0415

        for path in policy_files(folder):
            if silent.left_out(path.name) and _LEVEL.search(text := read_text(path)):
                # A test that is not finished yet does not stop a guard.
                with suppress(PolicyError):
                    yield from parsed(Bundle({str(path): text}, {}, ""))


def check_not_lost(before: Iterable[Bundle], now: Bundle, folders: Iterable[Path]) -> None:
    """Raise PolicyError where a folder had rules before, and has none now.

    A file that is deleted is an edit. A folder without any rule is more likely a mount that is gone, or half a copy.
    """
    for folder in folders:
        had = any(is_below(name, (folder,)) for bundle in before for name in bundle.modules)
        if had and not any(is_below(name, (folder,)) for name in now.modules):
            raise PolicyError(
                f"{folder}: every .rego file in this folder is gone; put them back, or take it out of `policies`"
            )


def is_below(file: str, folders: Iterable[Path]) -> bool:
    """Whether a module came from one of these folders."""
    return any(Path(file).is_relative_to(folder) for folder in folders)

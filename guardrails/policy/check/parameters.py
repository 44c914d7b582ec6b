"""A data.json that gives a shipped parameter a value that it cannot have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from guardrails.config.schema import Mismatch
from guardrails.evaluate import configured, policy_params
from guardrails.evaluate.bundle import policy_files, read_text
from guardrails.evaluate.rego.mistake import Mistake


def of(params: Mapping[str, object], folders: Sequence[Path]) -> Iterator[Mistake]:
    """The first such parameter, at the line of its name. `params` are all of them, the shipped ones too."""
    try:
        policy_params.check_shipped(params)
    except Mismatch as mismatch:
        # The last step that has a name is nearest to the value.
        name = [step for step in mismatch.path if isinstance(step, str)][-1]
        for file, line in _naming(f'"{name}"', folders):
            yield Mistake(str(file), line, 1, "parameter", configured.about_declared(mismatch))
            return


def _naming(name: str, folders: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for folder in folders:
        for file in policy_files(folder):
            lines = read_text(file).splitlines() if file.name == "data.json" else []
            yield from ((file, number) for number, line in enumerate(lines, 1) if name in line)

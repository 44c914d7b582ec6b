"""Mistakes in policies as GitHub Actions and code scanning read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardrails.evaluate.rego.mistake import Mistake


def github(mistake: Mistake) -> str:
    """A workflow command for GitHub Actions, which shows the mistake beside its line."""
    place = f"file={_property(mistake.file)},line={mistake.line},col={mistake.column}"
    return f"::error {place},title={mistake.code}::{_escaped(mistake.message)}"


def github_warning(title: str, message: str) -> str:
    """A workflow command for GitHub Actions about something that has no place in a file."""
    return f"::warning title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif(
    mistakes: Sequence[Mistake], version: str, tool: str = "guardrails policy check", notes: Sequence[Mistake] = ()
) -> dict[str, Any]:
    """A log of SARIF 2.1.0 (OASIS), for code scanning; `tool` is the command that found the mistakes and `notes`."""
    codes = sorted({mistake.code for mistake in (*mistakes, *notes)})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "version": version,
                        "rules": [{"id": code} for code in codes],
                    }
                },
                "results": [
                    {
                        "ruleId": mistake.code,
                        "level": level,
                        "message": {"text": mistake.message},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": mistake.file},
                                    "region": {"startLine": mistake.line, "startColumn": mistake.column},
                                }
                            }
                        ],
                    }
                    for level, some in (("error", mistakes), ("note", notes))
                    for mistake in some
                ],
            }
        ],
    }

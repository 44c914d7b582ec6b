"""A mistake in a policy, and how it is told to people and to other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen


@frozen(order=True)
class Finding:
    """`message` says what is wrong and how to mend it; line and column count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str


def github(finding: Finding) -> str:
    """A workflow command of GitHub Actions, which shows the finding beside its line."""
    place = f"file={_property(finding.file)},line={finding.line},col={finding.column}"
    return f"::error {place},title={finding.code}::{_escaped(finding.message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """A log of SARIF 2.1.0 (OASIS), for code scanning."""
    codes = sorted({finding.code for finding in findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "guardrails policy check",
                        "version": version,
                        "rules": [{"id": code} for code in codes],
                    }
                },
                "results": [
                    {
                        "ruleId": finding.code,
                        "level": "error",
                        "message": {"text": finding.message},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": finding.file},
                                    "region": {"startLine": finding.line, "startColumn": finding.column},
                                }
                            }
                        ],
                    }
                    for finding in findings
                ],
            }
        ],
    }

"""Outcomes of tests as the XML that CI servers read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from guardrails.errors import ConfigError
from guardrails.policy.test.embedded import Outcome


def write(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write one <testsuite> per package. Raises ConfigError where the file cannot be written."""
    root = ET.Element("testsuites")
    packages: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        packages.setdefault(outcome.case.package, []).append(outcome)
    for package, group in packages.items():
        failures = sum(not outcome.passed for outcome in group)
        suite = ET.SubElement(
            root, "testsuite", name=package, tests=str(len(group)), failures=str(failures), errors="0"
        )
        for outcome in group:
            case = outcome.case
            found = ET.SubElement(
                suite,
                "testcase",
                classname=package,
                name=case.name,
                file=case.file,
                line=str(case.line),
                time=f"{outcome.seconds:.6f}",
            )
            if not outcome.passed:
                ET.SubElement(found, "failure", message=outcome.reason).text = f"{case.file}:{case.line}"
            if outcome.prints:
                ET.SubElement(found, "system-out").text = "\n".join(outcome.prints)
    try:
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); name another file with --junit") from error

"""Test results as the XML that CI servers read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from guardrails.errors import ConfigError
from guardrails.policy.test.embedded import RegoTestResult


def write(path: Path, results: Iterable[RegoTestResult]) -> None:
    """Write one <testsuite> per package. Raises ConfigError if the file cannot be written."""
    root = ET.Element("testsuites")
    packages: dict[str, list[RegoTestResult]] = {}
    for result in results:
        packages.setdefault(result.test.package, []).append(result)
    for package, group in packages.items():
        failures = sum(not result.passed for result in group)
        suite = ET.SubElement(
            root, "testsuite", name=package, tests=str(len(group)), failures=str(failures), errors="0"
        )
        for result in group:
            test = result.test
            element = ET.SubElement(
                suite,
                "testcase",
                classname=package,
                name=test.name,
                file=test.file,
                line=str(test.line),
                time=f"{result.seconds:.6f}",
            )
            if not result.passed:
                ET.SubElement(element, "failure", message=result.reason).text = f"{test.file}:{test.line}"
            if result.prints:
                ET.SubElement(element, "system-out").text = "\n".join(result.prints)
    try:
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); name another file with --junit") from error

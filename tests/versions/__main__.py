"""Tries the guard in each Python of this machine with old and new versions of what it works with.

    python -m tests.versions [--python 3.13] [--only moto] [--tests] [--write]

Environments are made once, in the cache folder, from packages of PyPI. A cell works when every step of the probe does
what it should and the simulated AWS counted the requests that it should. `--tests` runs a part of the project's own
tests in each Python as well. `--write` puts the tables into guardrails/docs/versions.md; it takes half an hour.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

from guardrails.testing import SimulatedAWS
from tests.support.environments import CACHE, ROOT, NotMade, leave_the_machine_out
from tests.versions import interpreters, own_tests
from tests.versions.cells import SOFTWARE, Cell, Software, cell

PAGE = ROOT / "guardrails" / "docs" / "versions.md"


def main(argv: Sequence[str]) -> int:
    """The number of cells and runs that failed, at most 1."""
    options = _options(argv)
    pythons = {
        version: path
        for version, path in interpreters.found().items()
        if not options.python or version in options.python
    }
    names = {version: interpreters.full_version(path) for version, path in pythons.items()}
    for version in interpreters.SUPPORTED:
        sys.stdout.write(f"Python {version}: {names.get(version, 'not on this machine')}\n")
    leave_the_machine_out()
    chosen = [one for one in SOFTWARE if not options.only or options.only in one.name]
    cells = _cells(chosen, pythons)
    tests = _own_tests(pythons) if options.tests else {}
    tables = [_table(chosen, names, cells), *([_tests_table(names, tests)] if tests else [])]
    sys.stdout.write("\n" + "\n\n".join(tables) + "\n")
    if options.write:
        put("cells", tables[0])
        if tests:
            put("tests", tables[1])
    failed = any(one.wrong for one in cells.values()) or any(
        not isinstance(one, str) and one.failed for one in tests.values()
    )
    return int(failed)


def put(name: str, table: str) -> None:
    """Replace what stands between the two marks of this name in the page."""
    begin, end = f"<!-- {name}: python -m tests.versions --write -->", f"<!-- end of {name} -->"
    text = PAGE.read_text("utf-8")
    written, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL
    )
    assert count == 1, f"{PAGE} has no place for {name}"
    PAGE.write_text(written, "utf-8")


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__.partition("\n")[0])
    parser.add_argument("--python", action="append", help="only this version, such as 3.13; may be repeated")
    parser.add_argument("--only", help="only rows whose name has this in it")
    parser.add_argument("--tests", action="store_true", help="run a part of the project's own tests, too")
    parser.add_argument("--write", action="store_true", help="put the tables into guardrails/docs/versions.md")
    return parser.parse_args(argv)


def _cells(chosen: Sequence[Software], pythons: Mapping[str, str]) -> dict[tuple[str, str], Cell]:
    found = {}
    with SimulatedAWS() as aws:
        for software in chosen:
            for version, python in pythons.items():
                made = found[software.name, version] = cell(software, python, aws)
                sys.stdout.write(f"{software.name}, Python {version}: {made.word} {made.missing}\n")
                sys.stdout.writelines(f"    {step}: {problem}\n" for step, problem in made.wrong)
                sys.stdout.flush()
    return found


def _own_tests(pythons: Mapping[str, str]) -> dict[str, own_tests.Tests | str]:
    found: dict[str, own_tests.Tests | str] = {}
    for version, python in pythons.items():
        try:
            done = own_tests.run(python)
        except NotMade as problem:
            found[version] = f"cannot be had: {problem}"
            continue
        found[version] = done
        (CACHE / f"own-tests-{version}.txt").write_text(done.output)
        sys.stdout.write(f"own tests, Python {version}: {done.word}\n" + "".join(f"    {one}\n" for one in done.failed))
        sys.stdout.flush()
    return found


def _table(chosen: Sequence[Software], names: Mapping[str, str], cells: Mapping[tuple[str, str], Cell]) -> str:
    columns = [f"{names.get(version, version)}" for version in interpreters.SUPPORTED]
    rows = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for software in chosen:
        words = [_word(cells.get((software.name, version))) for version in interpreters.SUPPORTED]
        rows.append(f"| {software.name} | " + " | ".join(words) + " |")
    return "\n".join(rows)


def _word(made: Cell | None) -> str:
    return "not on this machine" if made is None else made.word


def _tests_table(names: Mapping[str, str], tests: Mapping[str, own_tests.Tests | str]) -> str:
    rows = ["| Python | the project's tests that depend on it |", "|---|---|"]
    for version in interpreters.SUPPORTED:
        done = tests.get(version, "not on this machine")
        rows.append(f"| {names.get(version, version)} | {done if isinstance(done, str) else done.word} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs test suites of other people without the guard and with it, and lists the tests that end otherwise, and why.

    python -m tests.suites [SUITE …] [--source boto3=DIR] [--write]

The tests come from sdists on PyPI, and nothing leaves this machine while they run. The exit code is 1 where a
difference has no explanation. All suites take one to two hours on two cores: a job for the night.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.suites.compare import Comparison, compared
from tests.suites.suites import SUITES, folder_of
from tests.support.environments import CACHE, ROOT, NotMade, leave_the_machine_out

PAGE = ROOT / "guardrails" / "docs" / "versions.md"


def main(argv: Sequence[str]) -> int:
    """1 where a difference is not explained."""
    options = _options(argv)
    given = {name: Path(folder).resolve() for name, _, folder in (one.partition("=") for one in options.source)}
    leave_the_machine_out()
    rows: dict[str, str] = {}
    failed = False
    for suite in SUITES:
        if options.suites and suite.name not in options.suites:
            continue
        try:
            made = compared(suite, folder_of(suite, given))
        except NotMade as problem:
            rows[suite.name] = f"| {suite.name} | cannot be had: {problem} | | |"
            sys.stdout.write(f"{suite.name}: cannot be had: {problem}\n")
            continue
        rows[suite.name] = row(made)
        failed = failed or bool(made.unexplained)
        sys.stdout.write(report(made))
        sys.stdout.flush()
    if options.write:
        PAGE.write_text(put(rows, PAGE.read_text("utf-8")), "utf-8")
    return int(failed)


def row(made: Comparison) -> str:
    """The line of the page's table."""
    suite, some = made.suite, f", every {made.suite.every}th file" if made.suite.every > 1 else ""
    others = len(made.differences) - made.denied
    said = (
        "none"
        if not made.differences
        else f"{made.denied} by denials, {made.same_in_dryrun} of them the same in dry-run"
    )
    said += f"; {others} others" if others else ""
    name = f"{suite.name} of {suite.project} {suite.version}{some}"
    return f"| {name} | {counts(made.without)} | {counts(made.guarded)} | {said} |"


def counts(run) -> str:
    """``682 passed, 55 skipped``."""
    outcomes = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
    return ", ".join(f"{number} {outcome}" for outcome in outcomes if (number := run.count(outcome)))


def report(made: Comparison) -> str:
    """For the terminal: every difference."""
    runs = (("without", made.without), ("with", made.guarded))
    lines = [f"{made.suite.name}"]
    lines += [f"    {name} the guard: {counts(each)} in {each.seconds:.0f} s" for name, each in runs]
    lines += [f"    {number} times: {why or 'NOT EXPLAINED'}" for why, number in made.reasons()]
    lines += [f"    NOT EXPLAINED: {one.test}: {one.without} -> {one.guarded}: {one.said}" for one in made.unexplained]
    if made.denied:
        lines.append(f"    {made.same_in_dryrun} of {made.denied} tests with denials are the same in dry-run")
    (CACHE / f"suite-{made.suite.name}.txt").write_text(
        "\n".join(f"{one.test}: {one.without} -> {one.guarded}: {one.why}: {one.said}" for one in made.differences)
    )
    return "\n".join(lines) + "\n"


def put(rows: Mapping[str, str], page: str) -> str:
    """The page with these lines of the table, by suite; the lines of suites that did not run stay."""
    begin, end = "<!-- suites: python -m tests.suites --write -->\n", "<!-- end of suites -->"
    before, _, rest = page.partition(begin)
    table, _, after = rest.partition(end)
    head, rule, *lines = table.splitlines()
    there = {line.split()[1]: line for line in lines}
    kept = [line for suite in SUITES if (line := rows.get(suite.name) or there.get(suite.name))]
    return "\n".join([before + begin + head, rule, *kept, end + after])


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__.partition("\n")[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(suite.name for suite in SUITES))
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="PROJECT=DIR",
        help="a checkout with the tests of a project, instead of its sdist; its version must be the one in suites.py",
    )
    parser.add_argument("--write", action="store_true", help="put the table into guardrails/docs/versions.md")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

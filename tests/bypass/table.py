"""The README's table of ways, from the tests themselves. `python -m tests.bypass.table` writes it anew."""

from __future__ import annotations

from pathlib import Path

from tests.bypass import aio_cases, cases

README = Path(__file__).parent.parent.parent / "README.md"
BEGIN = "<!-- ways: written by python -m tests.bypass.table -->\n"
END = "<!-- end of ways -->\n"
VERDICTS = {
    "blocked": "covered",
    "tripwire": "tripwire: sent, and reported",
    "no": "not coverable",
}
# Ways that are started from outside, by their test in tests/process: file::function -> title.
STARTED = {
    "test_activation.py::test_run_guards_a_script": "`guardrails run script.py`",
    "test_activation.py::test_run_guards_a_module": "`guardrails run -m module`",
    "test_activation.py::test_run_guards_a_console_script": "`guardrails run`: a Python program on PATH",
    "test_activation.py::test_run_guards_child_processes": "`guardrails run`: Python child processes",
    "test_activation.py::test_run_guards_grandchildren": "`guardrails run`: children of children",
    "test_activation.py::test_run_guards_what_a_shell_script_starts": "`guardrails run`: what a shell script starts",
    "test_activation.py::test_an_activated_environment_is_guarded": "`guardrails activate`: with `-I` and `-E`, too",
    "test_aws_cli.py::test_run": "`guardrails run aws`: AWS CLI v1, before 1.46 and since",
    "test_aws_cli.py::test_run_module": "`guardrails run -m awscli`",
    "test_aws_cli.py::test_plugin": "AWS CLI v1 with the plugin",
}


def table() -> str:
    """One line for each way."""
    rows = [(title, cases.SEEN[name]) for name, title in cases.TITLES.items()]
    rows += [(title, "blocked") for title in aio_cases.TITLES.values()]
    rows += [(title, "blocked") for title in STARTED.values()]
    rows.sort(key=lambda row: list(VERDICTS).index(row[1]))
    lines = [f"| {title} | {VERDICTS[seen]} |" for title, seen in rows]
    return "\n".join(["| a call that goes by way of | guard |", "|---|---|", *lines, ""])


def parts() -> tuple[str, str, str]:
    """The README before the table, the table, and after it."""
    before, _, rest = README.read_text().partition(BEGIN)
    found, _, after = rest.partition(END)
    return before, found, after


if __name__ == "__main__":
    before, _, after = parts()
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")

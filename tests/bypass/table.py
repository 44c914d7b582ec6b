"""The coverage page's table of ways to call AWS, from the tests. `python -m tests.bypass.table` writes it."""

from __future__ import annotations

from tests.bypass import aio_cases, cases
from tests.support.generated import Generated

PART = Generated("coverage.md", "ways", "tests.bypass.table")
VERDICTS = {
    "blocked": "covered",
    "tripwire": "sent, and reported by the tripwire",
    "no": "not seen",
}
# Ways that start another program: its title by the function that tests it, in a file of tests/process.
STARTED = {
    "test_activation.py": {
        "test_run_guards_a_script": "`guardrails run script.py`",
        "test_run_guards_a_module": "`guardrails run -m module`",
        "test_run_guards_a_console_script": "`guardrails run`: a Python program on PATH",
        "test_run_guards_child_processes": "`guardrails run`: Python child processes",
        "test_run_guards_grandchildren": "`guardrails run`: children of children",
        "test_run_guards_what_a_shell_script_starts": "`guardrails run`: what a shell script starts",
        "test_an_activated_environment_is_guarded": "`guardrails activate`, also with `-I` and `-E`",
    },
    "test_children.py": {
        "test_every_way_to_start_a_program": "Python programs that a guarded process starts: `subprocess`, a shell, "
        "`os.exec*`, `os.spawn*`, `os.posix_spawn`, `asyncio`, and their children",
        "test_workers": "joblib, loky and `multiprocess`",
    },
    "test_aws_cli.py": {
        "test_run": "`guardrails run aws`: AWS CLI v1, before 1.46 and since",
        "test_run_module": "`guardrails run -m awscli`",
        "test_plugin": "AWS CLI v1 with the plugin",
    },
}


# Ways that another test shows to be open, by the same names.
OPEN = {
    "test_children.py": {
        "test_what_is_not_seen": "a Python started with `-I` or `-E`, with `env -i`, `sudo` or `ssh`, "
        "or from a shell that replaces `PYTHONPATH`",
        "test_a_subinterpreter": "a subinterpreter (`InterpreterPoolExecutor`); where `guardrails run` or `activate` "
        "covers it, the process ends instead",
        "test_another_python_that_uses_aws": "a Python in which guardrails is not installed (it says so in one line)",
    },
}


def table() -> str:
    """One line per way."""
    rows = [(title, cases.SEEN[name]) for name, title in cases.TITLES.items()]
    rows += [(title, "blocked") for title in aio_cases.TITLES.values()]
    rows += [(title, "blocked") for functions in STARTED.values() for title in functions.values()]
    rows += [(title, "no") for functions in OPEN.values() for title in functions.values()]
    rows.append(("workers that run already, or on another host (Celery, Dask, Ray)", "no"))
    rows.sort(key=lambda row: list(VERDICTS).index(row[1]))
    lines = [f"| {title} | {VERDICTS[seen]} |" for title, seen in rows]
    return "\n".join(["| way | guard |", "|---|---|", *lines, ""])


if __name__ == "__main__":
    PART.write(table())

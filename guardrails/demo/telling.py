"""What the stories of both shops share: each run of the operator's script is reported with what came of it."""

from __future__ import annotations

import time

from guardrails.demo.report import Report
from guardrails.demo.stage import WINDOW_S, Finished, Stage


def operate(stage: Stage, report: Report, *arguments: str, guarded: bool, plan: bool = False) -> Finished:
    """Run the operator's script, and report what it was called with and what came of it."""
    done = stage.operate(*arguments, guarded=guarded, plan=plan)
    before = f"guardrails run {'--plan ' * plan}" if guarded else ""
    report.step("operator", f"{before}deploy.py {' '.join(arguments)}")
    if plan:
        # What it changes by cluster; the calls with their reasons follow.
        report.step("guard", f"a plan, exit code {done.code}", done.output.partition("Calls:")[0].strip())
    elif guarded and done.code == 3:
        report.step("guard", "BLOCKED, exit code 3", done.output)
    else:
        report.step("script", f"exit code {done.code}", done.output)
    return done


def live(stage: Stage, report: Report) -> str:
    """The names of the live clusters, according to the guard."""
    answer = stage.live()
    if isinstance(answer, Finished):
        report.step("guard", f"guardrails live ended with exit code {answer.code}", answer.output)
        return "no answer"
    names = ", ".join(answer["live"]) or "nothing"
    evidence = "; ".join(f"{source['name']}: {source['evidence']}" for source in answer["sources"])
    report.step("guard", f"guardrails live: {names}", evidence)
    return names


def wait_for_the_window(report: Report, began: float, cluster: str) -> None:
    """Wait until the rollback window is over that opened at `began` (`time.monotonic()`) or shortly after."""
    time.sleep(max(0.0, began + WINDOW_S + 2 - time.monotonic()))
    report.step("demo", f"rollback_window_s has passed ({WINDOW_S} s here): {cluster} is no longer kept for a rollback")

"""The story: what the operator did on 9 October 2023, without the guard and with it, in a shop with Elastic IPs."""

from __future__ import annotations

import time

from guardrails.demo import race
from guardrails.demo.report import Report
from guardrails.demo.stage import ADDRESSES, FREE, LARGE, LIMIT, REBUILT, SIZE, SMALL, Stage
from guardrails.demo.telling import live, operate, wait_for_the_window


def tell(stage: Stage, report: Report) -> None:
    """Play all acts. Each starts from the state that the previous one left, except that act 2 starts over."""
    report.act(f"The morning: blue is live; green does not fit beside it ({SMALL})")
    _morning(stage, report)
    report.claim("before: machines of blue", SIZE, stage.aws.running("blue"))
    report.claim("before: machines of green that got an address", FREE, stage.aws.running("green"))

    report.act("Act 1, without the guard: the script is aimed at blue by mistake")
    _without(stage, report)

    report.act("Act 2, with the guard: the same morning, the same mistake")
    _same_morning(stage, report)
    _mistake(stage, report)
    _half_started(stage, report)

    report.act(f"Act 3, with the guard: green in a larger subnet ({LARGE}), then the switch")
    _deploy(stage, report)

    report.act("Act 4, after the switch: the guard follows without any edit")
    _after(stage, report)

    report.act(f"Act 5, the rebuild: {REBUILT} calls at once; AWS allows {LIMIT[0]}, then {LIMIT[1]} per second")
    _rebuild(stage, report)

    report.act("Act 6, the race: the same day again, with a plan, waves and a rebuild")
    race.tell(stage, report)


def _morning(stage: Stage, report: Report) -> None:
    stage.set_up()
    report.step(
        "demo", f"blue has {SIZE} machines and {ADDRESSES} Elastic IPs, in a subnet with room for {SIZE + FREE}"
    )
    operate(stage, report, *_launch(stage.small), guarded=False)
    _state(stage, report)


def _same_morning(stage: Stage, report: Report) -> None:
    stage.set_up()
    stage.operate(*_launch(stage.small), guarded=False)
    report.step("demo", "the simulated AWS is reset and set up again in the same way")
    _state(stage, report)
    report.step("demo", "all of guardrails.toml, which names no cluster:", stage.config.strip())


def _launch(subnet: str) -> tuple[str, ...]:
    return "--start", "green", "--subnet", subnet, "--count", str(SIZE)


def _without(stage: Stage, report: Report) -> None:
    operate(stage, report, "--cluster", "blue", "--terminate", guarded=False)
    _state(stage, report)
    report.claim("no guard: TerminateInstances that reached AWS", 1, stage.aws.count("TerminateInstances"))
    report.claim("no guard: machines of blue left", 0, stage.aws.running("blue"))
    report.claim("no guard: addresses that still answer", 0, len(stage.aws.addresses("blue")))


def _mistake(stage: Stage, report: Report) -> None:
    done = operate(stage, report, "--cluster", "blue", "--terminate", guarded=True)
    report.claim("blue by mistake: exit code (3 is blocked)", 3, done.code)
    report.claim("blue by mistake: TerminateInstances that reached AWS", 0, stage.aws.count("TerminateInstances"))
    report.claim("blue by mistake: machines of blue", SIZE, stage.aws.running("blue"))
    report.claim("blue by mistake: addresses that answer", ADDRESSES, len(stage.aws.addresses("blue")))


def _half_started(stage: Stage, report: Report) -> None:
    done = operate(stage, report, "--cluster", "green", "--terminate", guarded=True)
    _state(stage, report)
    report.claim("half-started green: exit code", 0, done.code)
    report.claim("half-started green: TerminateInstances that reached AWS", 1, stage.aws.count("TerminateInstances"))
    report.claim("half-started green: machines of green left", 0, stage.aws.running("green"))
    report.claim("half-started green: machines of blue", SIZE, stage.aws.running("blue"))


def _deploy(stage: Stage, report: Report) -> None:
    tight = operate(stage, report, *_launch(stage.small), "--at-once", guarded=True)
    report.claim("all of green in the small subnet: exit code", 1, tight.code)
    report.claim("all of green in the small subnet: RunInstances", 0, stage.aws.count("RunInstances"))
    report.claim("all of green in the small subnet: the rule is named", True, "capacity/addresses" in tight.output)
    started = operate(stage, report, *_launch(stage.large), guarded=True)
    report.claim("new green: exit code", 0, started.code)
    report.claim("new green: machines", SIZE, stage.aws.running("green"))
    moved = operate(stage, report, "--cutover", "blue", "green", guarded=True)
    _state(stage, report)
    report.claim("switch: exit code", 0, moved.code)
    report.claim("switch: AssociateAddress that reached AWS", ADDRESSES, stage.aws.count("AssociateAddress"))
    report.claim("switch: addresses on green", ADDRESSES, len(stage.aws.addresses("green")))


def _after(stage: Stage, report: Report) -> None:
    began = time.monotonic()
    early = operate(stage, report, "--cluster", "blue", "--terminate", guarded=True)
    report.claim("blue right after the switch: exit code", 3, early.code)
    report.claim("blue right after the switch: TerminateInstances", 0, stage.aws.count("TerminateInstances"))
    report.claim("after the switch: live is", "green", live(stage, report))
    wrong = operate(stage, report, "--cluster", "green", "--terminate", guarded=True)
    report.claim("green after the switch: exit code", 3, wrong.code)
    report.claim("green after the switch: TerminateInstances", 0, stage.aws.count("TerminateInstances"))
    report.claim("green after the switch: machines of green", SIZE, stage.aws.running("green"))
    wait_for_the_window(report, began, "blue")
    right = operate(stage, report, "--cluster", "blue", "--terminate", guarded=True)
    _state(stage, report)
    report.claim("blue after the window: exit code", 0, right.code)
    report.claim("blue after the window: machines of blue left", 0, stage.aws.running("blue"))
    report.claim("at the end: machines of green", SIZE, stage.aws.running("green"))
    report.claim("at the end: addresses on green", ADDRESSES, len(stage.aws.addresses("green")))


def _rebuild(stage: Stage, report: Report) -> None:
    at_once, a_second = LIMIT
    for name, guarded in (("red", False), ("gold", True)):
        stage.aws.throttle("RunInstances", at_once, a_second)
        arguments = ("--start", name, "--subnet", stage.large, "--count", str(REBUILT))
        operate(stage, report, *arguments, guarded=guarded)
        refused = stage.aws.refused("RunInstances")
        report.step("AWS", f"refused {refused} requests with RequestLimitExceeded")
        if guarded:
            report.claim("guard: launches refused by the rate limit", 0, refused)
            report.claim("guard: machines started", REBUILT, stage.aws.running(name))
        else:
            report.claim("no guard: some launches refused by the rate limit", True, refused > 0)
    report.claim("decision log: calls blocked", 4, stage.denied())


def _state(stage: Stage, report: Report) -> None:
    """The state of AWS, and whether visitors reach the site."""
    clusters = [
        f"{name} {stage.aws.running(name)} running, {len(stage.aws.addresses(name))} addresses"
        for name in ("blue", "green")
    ]
    answering = sum(len(stage.aws.addresses(name)) for name in ("blue", "green"))
    report.step("AWS", f"{'; '.join(clusters)}; the site is {'up' if answering else 'DOWN'}")

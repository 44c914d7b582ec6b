"""The same day in a shop behind an application load balancer, without Elastic IPs and without any configuration."""

from __future__ import annotations

import time

from guardrails.demo.balancer_stage import CLUSTERS, BalancerStage
from guardrails.demo.report import Report
from guardrails.demo.stage import FREE, LARGE, SIZE, SMALL
from guardrails.demo.telling import live, operate, wait_for_the_window


def tell(stage: BalancerStage, report: Report) -> None:
    """Play all acts. Each starts from the state that the previous one left, except that act 2 starts over."""
    report.act(f"The morning: blue is behind the load balancer; green does not fit beside it ({SMALL})")
    _morning(stage, report)
    report.claim("before: machines of green that got an address", FREE, stage.aws.running("green"))

    report.act("Act 1, without the guard: the script is aimed at blue by mistake")
    _terminate(stage, report, "blue", guarded=False)
    report.claim("no guard: TerminateInstances that reached AWS", 1, stage.aws.count("TerminateInstances"))
    report.claim("no guard: machines that serve users", 0, sum(stage.serving().values()))

    report.act("Act 2, with the guard: the same morning, the same mistake, and users sent to half of green")
    _morning(stage, report)
    report.step("demo", "all of guardrails.toml, which names no cluster and no load balancer:", stage.config.strip())
    _mistakes(stage, report)

    report.act(f"Act 3, with the guard: green in a larger subnet ({LARGE}), then the switch by weights")
    _deploy(stage, report)

    report.act("Act 4, and back: the guard follows without any edit")
    _back(stage, report)


def _morning(stage: BalancerStage, report: Report) -> None:
    stage.set_up()
    report.step("demo", f"blue has {SIZE} machines behind web-prod, in a subnet with room for {SIZE + FREE}")
    operate(stage, report, *_launch(stage.small), guarded=False)
    _state(stage, report)


def _launch(subnet: str) -> tuple[str, ...]:
    return "--start", "green", "--subnet", subnet, "--count", str(SIZE), "--register"


def _mistakes(stage: BalancerStage, report: Report) -> None:
    code = _terminate(stage, report, "blue", guarded=True)
    report.claim("blue by mistake: exit code (3 is blocked)", 3, code)
    report.claim("blue by mistake: TerminateInstances that reached AWS", 0, stage.aws.count("TerminateInstances"))
    report.claim("blue by mistake: machines that serve users", SIZE, stage.serving()["blue"])
    code = _share(stage, report, "blue=90,green=10")
    report.claim("a tenth of the users to half of green: exit code", 3, code)
    report.claim("a tenth of the users to half of green: ModifyListener", 0, stage.aws.count("ModifyListener"))
    code = _terminate(stage, report, "green", guarded=True)
    report.claim("half-started green: exit code", 0, code)
    report.claim("half-started green: machines of green left", 0, stage.aws.running("green"))


def _deploy(stage: BalancerStage, report: Report) -> None:
    started = operate(stage, report, *_launch(stage.large), guarded=True)
    report.claim("new green: exit code", 0, started.code)
    code = _share(stage, report, "blue=90,green=10", "green=100")
    report.claim("a tenth of the users, then all: exit code", 0, code)
    report.claim("a tenth of the users, then all: ModifyListener", 2, stage.aws.count("ModifyListener"))
    report.claim("after the switch: machines of green that serve users", SIZE, stage.serving()["green"])
    code = _terminate(stage, report, "blue", guarded=True)
    report.claim("blue right after the switch: exit code", 3, code)
    report.claim("blue right after the switch: TerminateInstances", 0, stage.aws.count("TerminateInstances"))
    report.claim("after the switch: live is", "green", live(stage, report))
    code = _terminate(stage, report, "green", guarded=True)
    report.claim("green after the switch: exit code", 3, code)
    report.claim("green after the switch: TerminateInstances", 0, stage.aws.count("TerminateInstances"))


def _back(stage: BalancerStage, report: Report) -> None:
    code = _share(stage, report, "blue=100")
    began = time.monotonic()
    report.claim("and back: exit code", 0, code)
    report.claim("and back: ModifyListener that reached AWS", 1, stage.aws.count("ModifyListener"))
    report.claim("and back: machines of blue that serve users", SIZE, stage.serving()["blue"])
    code = _terminate(stage, report, "blue", guarded=True)
    report.claim("blue after the way back: exit code", 3, code)
    wait_for_the_window(report, began, "green")
    code = _terminate(stage, report, "green", guarded=True)
    report.claim("green after the window: exit code", 0, code)
    report.claim("green after the window: machines of green left", 0, stage.aws.running("green"))
    report.claim("at the end: machines of blue that serve users", SIZE, stage.serving()["blue"])
    report.claim("decision log: calls blocked", 5, stage.denied())


def _terminate(stage: BalancerStage, report: Report, cluster: str, *, guarded: bool) -> int:
    done = operate(stage, report, "--cluster", cluster, "--terminate", guarded=guarded)
    _state(stage, report)
    return done.code


def _share(stage: BalancerStage, report: Report, *weights: str) -> int:
    done = operate(stage, report, "--weights", *weights, guarded=True)
    _state(stage, report)
    return done.code


def _state(stage: BalancerStage, report: Report) -> None:
    """The state of AWS, and whether visitors reach the site."""
    clusters = ", ".join(f"{name} {stage.aws.running(name)} running" for name in CLUSTERS)
    up = "up" if sum(stage.serving().values()) else "DOWN"
    report.step("AWS", f"{clusters}; the load balancer has {stage.weights()}; the site is {up}")

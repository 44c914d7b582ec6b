"""The last act: the day of 9 October once more, with a plan, waves and a rebuild, and how long each way back takes."""

from __future__ import annotations

import time

from attrs import define, field

from guardrails.demo.report import Report
from guardrails.demo.stage import ADDRESSES, FREE, SIZE, Stage
from guardrails.demo.telling import operate
from guardrails.guard import Guard
from guardrails.rebuild import boot, folder, progress
from guardrails.rebuild.collect import collect
from guardrails.rebuild.plan import HISTORY, Wish, make_plan
from guardrails.rebuild.reading import Reader
from guardrails.rebuild.run import Run
from guardrails.rebuild.send import Surroundings
from guardrails.rebuild.turns import Turns

# From the first wrong call to the last task that was back (PythonAnywhere's report of the outage).
REPORTED_MIN = 360
# How long a machine takes to boot in the simulation, in seconds.
_BOOT_S = 40.0
_WAVES = '\nwaves = "split"\nwave_sizes = [1, 2]\nwave_pause_s = 0.1\n'
# moto has no quotas.
_QUOTA = '{"Quota": {"QuotaCode": "L-1216C47A", "Value": 100000.0}}'


@define
class SimulatedClock:
    """Seconds that pass only while someone sleeps."""

    now: float = field(factory=time.time)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(0.0, seconds)


def tell(stage: Stage, report: Report) -> None:
    """Plan the mistake, end green in waves, then lose blue in another way and start it again."""
    stage.set_up()
    stage.aws.start_cluster("green", FREE, subnet=stage.small)
    stage.configure(_WAVES)
    report.step("demo", "the simulated AWS is set up again as in the morning; in guardrails.toml:", _WAVES.strip())
    planned = operate(stage, report, "--cluster", "blue", "--terminate", guarded=True, plan=True)
    report.claim("race, a plan of the mistake: TerminateInstances", 0, stage.aws.count("TerminateInstances"))
    report.claim("race, a plan of the mistake: the rule is named", True, "live-cluster/terminate" in planned.output)
    ended = operate(stage, report, "--cluster", "green", "--terminate", guarded=True)
    report.claim("race, green in waves of 1, 2 and the rest: exit code", 0, ended.code)
    report.claim("race, green in waves: TerminateInstances", 3, stage.aws.count("TerminateInstances"))
    report.claim("race, green in waves: machines of green left", 0, stage.aws.running("green"))
    report.claim("race: machines of blue", SIZE, stage.aws.running("blue"))
    _rebuilt(stage, report)


def _rebuilt(stage: Stage, report: Report) -> None:
    """Blue is lost where no guard sees it, and started again by the simulated clock."""
    clock = SimulatedClock()
    guard = Guard.from_config(stage.in_process)
    readers: dict[str, object] = {}

    def client(service: str) -> object:
        if service not in readers:
            readers[service] = stage.aws.session().client(service)  # type: ignore[call-overload]
            guard.attach(readers[service])
        return readers[service]

    reader = Reader(client)
    stage.aws.reply("GetServiceQuota", _QUOTA)
    folder.keep(guard.settings, collect(reader, guard.settings, stage.aws.region, clock()))
    stage.aws.client("ec2").terminate_instances(InstanceIds=list(stage.aws.machines("blue")))
    _free_addresses(stage)
    report.step("demo", "someone terminates blue in the console, where no guard sees it")
    history = folder.folder(guard.settings) / HISTORY
    for _ in range(SIZE):
        boot.remember(history, "t3.small", 0.0, _BOOT_S, _BOOT_S)
    stage.aws.use_clock(clock)
    stage.aws.boot(_BOOT_S)
    plan = make_plan(guard, reader, Wish("blue", into=(stage.large,), addresses=True), clock(), None)
    began = clock()
    made = progress.begin(guard.settings, plan, "demo0001", began)
    turns = Turns(None, made.scope, False, guard.settings.pacing.share, clock, clock.sleep, lambda _: None)
    Run(made, Surroundings(reader, turns, history, None, clock, clock.sleep, lambda _: None)).go()
    minutes = (clock() - began) / 60
    guard.uninstall()
    report.step("guard", f"guardrails rebuild run blue: {stage.aws.running('blue')} machines, {minutes:.1f} min later")
    report.step("demo", f"2023, from the mistake to the last task: {REPORTED_MIN} min (thousands of tasks)")
    report.claim("race: machines of blue again", SIZE, stage.aws.running("blue"))
    report.claim("race: addresses on blue again", ADDRESSES, len(stage.aws.addresses("blue")))
    report.claim("race: back within ten minutes by the simulated clock", True, minutes < 10)


def _free_addresses(stage: Stage) -> None:
    """As AWS does it: the addresses of terminated machines are on none. The simulation leaves them there."""
    ec2 = stage.aws.client("ec2")
    for address in ec2.describe_addresses()["Addresses"]:
        ec2.disassociate_address(AssociationId=address["AssociationId"])

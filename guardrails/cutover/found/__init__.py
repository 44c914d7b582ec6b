"""Where the users of the old side come in, by the sources that make it live, and how each entrance is moved.

addresses.py   Elastic IPs
forwards.py    listeners and rules of load balancers
records.py     DNS records
finding.py     what was found
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from guardrails.cutover.found import addresses, forwards, records
from guardrails.cutover.found.finding import Finding
from guardrails.cutover.plan import Entrance, Move
from guardrails.cutover.situation import Situation

__all__ = ["Finding", "Wanted", "find", "roles"]
_BY_OTHERS = {
    "elb": "a classic load balancer: register the new machines there and deregister the old ones, or use target groups",
    "ecs": "an ECS service: deploy the new revision with ECS's own blue/green deployment",
    "beanstalk": "an Elastic Beanstalk environment: swap the two with SwapEnvironmentCNAMEs",
    "rds": "a database: switch it over with SwitchoverBlueGreenDeployment",
    "accelerator": "Global Accelerator: change the weights of its endpoints with UpdateEndpointGroup",
}
_BY_HAND = {
    "file": "the file {settings.file}",
    "env": "the environment variable {settings.env}",
    "command": "the command of live.command",
}


@frozen
class Wanted:
    """How it shall go: the `shares` of the users in percent, rising to 100, and how many addresses move `at_once`."""

    shares: Sequence[int] = (10, 50, 100)
    at_once: int | None = None


def find(situation: Situation, wanted: Wanted) -> Finding:
    """Every entrance of the old side. What cannot be moved is a problem."""
    finding, by = Finding(), _naming(situation)
    names = records.find(situation, finding, wanted.shares) if "dns" in by else records.Names()
    if "eip" in by or names.addresses:
        counted = None if "eip" in by else names.addresses
        addresses.find(situation, finding, wanted.shares, wanted.at_once, counted)
    listeners = forwards.counted(situation) if by & {"target-group", "asg"} else []
    forwards.find(situation, finding, [*dict.fromkeys((*listeners, *names.listeners))], wanted.shares)
    for name in sorted(by & _BY_OTHERS.keys()):
        finding.problems.append(
            f"users come to {situation.source} by {_BY_OTHERS[name]}; `guardrails cutover` does not move that. If it "
            f"does not matter, leave {name} out of live.sources"
        )
    settings = situation.settings.live
    finding.notes += [
        f"{_BY_HAND[name].format(settings=settings)} names {situation.source}, too: change that after `finish`"
        for name in sorted(by & _BY_HAND.keys())
    ]
    if not finding.entrances and not finding.problems and not by & {"ssm", "tag"}:
        finding.problems.append(f"nothing that can be moved leads users to {situation.source}")
    return finding


def roles(situation: Situation) -> tuple[list[Entrance], list[Move]]:
    """What names the live cluster beside what users come through, if it names the old side."""
    settings, by = situation.settings.live, _naming(situation)
    entrances, moves = [], []
    if "tag" in by and settings.mark is not None:
        marked = situation.inventory.with_tag(settings.mark.key, settings.mark.value)
        before = sorted(machine.id for machine in marked if machine.present)
        old = {machine.id for machine in situation.machines(situation.source)}
        after = sorted({*before} - old | {machine.id for machine in situation.machines(situation.to)})
        mark = f"{settings.mark.key}={settings.mark.value}"
        entrances.append(Entrance("mark", mark, f"the tag {mark}", before))
        moves.append(Move(entrances[-1].key, after, f"the tag {mark} goes to the machines of {situation.to}"))
    if "ssm" in by and settings.ssm_parameter:
        value = situation.clients("ssm").get_parameter(Name=settings.ssm_parameter)["Parameter"]["Value"]
        entrances.append(Entrance("pointer", settings.ssm_parameter, settings.ssm_parameter, value))
        # Whole names: blue-db is not blue.
        whole = rf"(^|[,\r\n])([ \t]*){re.escape(situation.source)}(?=[ \t]*(?:[,\r\n#]|$))"
        after_value = re.sub(whole, lambda found: f"{found[1]}{found[2]}{situation.to}", value)
        moves.append(Move(entrances[-1].key, after_value, f"{settings.ssm_parameter} names {situation.to}"))
    return entrances, moves


def _naming(situation: Situation) -> set[str]:
    """The sources that name the old side."""
    return {report.name for report in situation.facts.live.sources if situation.source in report.clusters}

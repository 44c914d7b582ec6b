"""The gate after each step: users may go on to the new side only where it is known to serve.

What is not known counts as not healthy. A gate waits for a while: targets need some checks before they are healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from guardrails import health
from guardrails.cutover.kinds import Clients
from guardrails.cutover.plan import Plan
from guardrails.health import Health
from guardrails.health.named import checks

# DescribeInstanceStatus takes so many ids.
_IDS = 100


@frozen
class Gate:
    """Everything that must be true of the new side: machines, its target groups, and the checks that the plan names."""

    clients: Clients
    plan: Plan

    def problem(self) -> str:
        """Why users must not go on; "" where everything is healthy. Never raises."""
        answers = map(health.ask, self._checks())
        return "; ".join(answer.why for answer in answers if not answer)

    def _checks(self) -> Iterator[Callable[[], Health]]:
        yield self._machines
        for group in self.plan.groups:
            yield health.target_group(group, client=self.clients("elbv2"))
        yield from checks(self.plan.checks, self.clients)

    def _machines(self) -> Health:
        """Every machine of the new side runs and passes both of EC2's checks."""
        ids, sound = self.plan.machines, set[str]()
        for start in range(0, len(ids), _IDS):
            part = [*ids[start : start + _IDS]]
            pages = self.clients("ec2").get_paginator("describe_instance_status").paginate(InstanceIds=part)
            sound |= {
                status["InstanceId"]
                for page in pages
                for status in page["InstanceStatuses"]
                if status["InstanceState"]["Name"] == "running"
                and all(status[check]["Status"] == "ok" for check in ("InstanceStatus", "SystemStatus"))
            }
        failing = sorted({*ids} - sound)
        if not failing:
            return Health(True, f"all {len(ids)} machines of {self.plan.to} pass EC2's status checks")
        return Health(False, f"{', '.join(failing)} of {self.plan.to} do not pass EC2's status checks")

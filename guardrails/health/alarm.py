"""Whether a CloudWatch alarm is in state OK."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from guardrails.health.check import Check, Health
from guardrails.health.source import Source, reason

_PERMISSION = "cloudwatch:DescribeAlarms"
# arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME
_COLONS = 6


def alarm(name: str, *, region: str | None = None, client: Any = None, session: Any = None) -> Check:
    """A check that is true when the CloudWatch alarm of this name or ARN (metric or composite) is in state OK.

    INSUFFICIENT_DATA, an alarm that does not exist, and one that CloudWatch evaluates from a part of its data only are
    unknown, so never healthy. What OK means is up to the alarm: with ``TreatMissingData`` = ``notBreaching``, it is OK
    without any data. Asks DescribeAlarms, by `client` (cloudwatch) or one of `session`, in `region`, the ARN's region
    or the session's own. Raises ValueError for an empty name.
    """
    if not name:
        raise ValueError("alarm(''): give the name of a CloudWatch alarm")
    arn = ""
    if name.startswith("arn:") and name.count(":") >= _COLONS:
        arn = name
        *_, arn_region, _, _, name = name.split(":", _COLONS)
        region = region or arn_region
    return _Alarm(name, Source("cloudwatch", client, session, region), arn)


@frozen
class _Alarm:
    name: str
    source: Source
    # "" where only the name was given.
    arn: str = ""

    def __call__(self) -> Health:
        try:
            answer = self.source.client.describe_alarms(
                AlarmNames=[self.name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            alarms = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
        except Exception as error:
            return Health(None, f"alarm {self.name}: its state is unknown ({reason(error, _PERMISSION)})")
        found = [each for each in alarms if each.get("AlarmName") == self.name]
        if not found:
            return Health(None, f"there is no alarm {self.name} in {self.source.client.meta.region_name}")
        if self.arn and all(each.get("AlarmArn") != self.arn for each in found):
            # Another account or region has an alarm of the same name.
            return Health(None, f"alarm {self.arn} was not found; there is {found[0].get('AlarmArn')}")
        return self._judged([each for each in found if not self._sound(each)] or found)

    def _judged(self, alarms: list[dict[str, Any]]) -> Health:
        """The answer of the first: those that are not OK come first."""
        state, evaluation = alarms[0].get("StateValue"), alarms[0].get("EvaluationState")
        if state == "OK" and evaluation:
            return Health(None, f"alarm {self.name} is OK, but CloudWatch's evaluation of it is {evaluation}")
        sentence = f"alarm {self.name} is {state}"
        if state != "OK" and alarms[0].get("StateReason"):
            sentence += f": {alarms[0]['StateReason']}"
        return Health({"OK": True, "ALARM": False}.get(str(state)), sentence)

    @staticmethod
    def _sound(found: dict[str, Any]) -> bool:
        return found.get("StateValue") == "OK" and not found.get("EvaluationState")

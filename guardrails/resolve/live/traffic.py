"""The clusters that load balancers have sent requests to lately, by CloudWatch.

Metrics are minutes old, so this source can only add clusters: it does not make known what is live, and disagrees with
no other. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import GROUPS
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import ways
from guardrails.resolve.live.reached import Reached
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers, Way
from guardrails.values import Lookup, SourceReport, frozen

METRICS = Lookup("cloudwatch", "GetMetricData", "MetricDataResults")
# How many queries one request takes, and over how many seconds each value is added up.
_QUERIES, _PERIOD_S = 500, 60
_COUNTED_BY_GROUP = ("HTTP", "HTTPS")
_KEY = f"{METRICS.service}:{METRICS.operation} "


@frozen
class _Metric:
    """The number of requests that a target group got, or of connections where its balancer counts only those."""

    group: str
    balancer: str
    protocol: str

    @property
    def by_balancer(self) -> bool:
        """Whether the number is the balancer's: only application balancers count by group."""
        return self.protocol not in _COUNTED_BY_GROUP

    def query(self, number: int) -> Mapping[str, Any]:
        """The query for the number in each minute."""
        dimensions = {"LoadBalancer": self.balancer.partition(":loadbalancer/")[2]}
        if not self.by_balancer:
            dimensions["TargetGroup"] = self.group.rpartition(":")[2]
        other = "AWS/GatewayELB" if self.protocol == "GENEVE" else "AWS/NetworkELB"
        metric = {
            "Namespace": other if self.by_balancer else "AWS/ApplicationELB",
            "MetricName": "NewFlowCount" if self.by_balancer else "RequestCount",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": "Sum"}}


class Traffic(Source):
    """A machine of a target group that got requests in the last `traffic_max_age_s` seconds makes its cluster live.

    Of a network balancer every group counts that one of its listeners forwards to, while it gets connections.
    """

    name = "traffic"
    asks = (*ways.ASKS, METRICS)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The target groups of the region."""
        return (GROUPS,)

    def followups(self, settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """What is registered with the groups, and how many requests they got."""
        metrics = _metrics(answers)
        # The time is a part of the question, so it is asked once.
        if not metrics or any(key.startswith(_KEY) for key in answers):
            return ways.lookups(answers)
        return (*ways.lookups(answers), *_questions(metrics, settings.traffic_max_age_s))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines behind groups that got requests."""
        answered = {key: answer for key, answer in answers.items() if key.startswith(_KEY)}
        asked = [*answered.values(), *(answers[lookup.key()] for lookup in ways.lookups(answers))]
        oldest = min(answer.observed_at for answer in asked)
        values = {item["Id"]: sum(item.get("Values") or ()) for answer in answered.values() for item in answer.items}
        reached = Reached()
        for number, metric in enumerate(_metrics(answers)):
            count = int(values.get(f"q{number}", 0))
            if count > 0 and (not metric.by_balancer or _forwarded(metric, settings, answers)):
                what = "connections" if metric.by_balancer else "requests"
                minutes = f"{settings.traffic_max_age_s / 60:g} min"
                name = metric.balancer.split("/")[-2]
                way = Way(metric.group, f"{count} {what} through {name} in the last {minutes}", "")
                reached.update(ways.served([way], answers, inventory))
        sentence = reached.sentence("got", inventory.cluster_tag) or "no target group got requests"
        silent = not reached.clusters
        return SourceReport(self.name, reached.clusters, oldest, sentence, silent, only_adds=True)


def _metrics(answers: Answers) -> list[_Metric]:
    groups = ways.in_use(answers)
    return sorted(
        (
            _Metric(group["TargetGroupArn"], balancer, str(group.get("Protocol")))
            for group in groups
            for balancer in group["LoadBalancerArns"]
        ),
        key=lambda metric: (metric.group, metric.balancer),
    )


def _questions(metrics: list[_Metric], window_s: float) -> list[Lookup]:
    now = time.time()
    # Whole minutes, so that decisions of the same minute ask the same; the last one is not over yet.
    end = (now // _PERIOD_S + 1) * _PERIOD_S
    start = (now - window_s) // _PERIOD_S * _PERIOD_S
    queries = [metric.query(number) for number, metric in enumerate(metrics)]
    return [
        METRICS.about(
            MetricDataQueries=queries[first : first + _QUERIES], StartTime=_written(start), EndTime=_written(end)
        )
        for first in range(0, len(queries), _QUERIES)
    ]


def _written(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat()


def _forwarded(metric: _Metric, settings: LiveSettings, answers: Answers) -> bool:
    return any(way.group == metric.group for way in ways.of_balancer(settings, answers, metric.balancer))

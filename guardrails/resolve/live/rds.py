"""The clusters of the databases that are live in a blue/green deployment of RDS.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_BlueGreenDeployment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.resources.resolver import last_part, tags_of
from guardrails.values import Lookup, SourceReport

DEPLOYMENTS = Lookup("rds", "DescribeBlueGreenDeployments", "BlueGreenDeployments")
INSTANCES = Lookup("rds", "DescribeDBInstances", "DBInstances")
CLUSTERS = Lookup("rds", "DescribeDBClusters", "DBClusters")
_SWITCHED = "SWITCHOVER_COMPLETED"
# A switchover that failed is rolled back, which takes a while.
_BETWEEN = ("SWITCHOVER_IN_PROGRESS", "SWITCHOVER_FAILED")


class Deployments(Source):
    """The source of a blue/green deployment makes the cluster of its tag live until the switchover, then the target.

    During the switchover both do.
    """

    name = "rds"
    asks = (DEPLOYMENTS, INSTANCES, CLUSTERS)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The blue/green deployments of the region."""
        return (DEPLOYMENTS,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """The databases and their tags, where there is a deployment."""
        answer = answers.get(DEPLOYMENTS.key())
        return (INSTANCES, CLUSTERS) if answer and answer.items else ()

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the tags of those databases."""
        deployments = answers[DEPLOYMENTS.key()].items
        asked = (DEPLOYMENTS, *self.followups(settings, answers))
        oldest = min(answers[lookup.key()].observed_at for lookup in asked)
        if not deployments:
            sentence = "there is no blue/green deployment of a database"
            return SourceReport(self.name, (), oldest, sentence, silent=True)
        tags = _tags(answers)
        hidden = {last_part(arn) for each in deployments for arn in _live(each) if arn not in tags}
        if hidden:
            sentence = f"AWS does not show the database {first_of(hidden)} of a blue/green deployment"
            return SourceReport(self.name, (), oldest, sentence, blind=True)
        reached, untagged = Reached(), set[str]()
        for each in deployments:
            place = f"{each.get('BlueGreenDeploymentName')} ({each.get('Status')})"
            for arn in _live(each):
                cluster = inventory.ownership.named(tags[arn])
                if cluster:
                    reached.places[cluster].add(f"{last_part(arn)}, blue/green deployment {place}")
                else:
                    untagged.add(last_part(arn))
        sentences = [reached.sentence("has database", inventory.cluster_tag)] if reached.places else []
        sentences += [f"{first_of(untagged)} has no {inventory.cluster_tag} tag"] if untagged else []
        return SourceReport(self.name, reached.clusters, oldest, "; ".join(sentences))


def _live(deployment: Mapping[str, Any]) -> list[str]:
    """The ARNs of the sides of a deployment that are live."""
    status = str(deployment.get("Status"))
    sides = ["Source", "Target"] if status in _BETWEEN else ["Target" if status == _SWITCHED else "Source"]
    return [str(deployment.get(side)) for side in sides]


def _tags(answers: Answers) -> dict[str, dict[str, str]]:
    """The tags of every database, by ARN."""
    named = [(item.get("DBInstanceArn"), item) for item in answers[INSTANCES.key()].items]
    named += [(item.get("DBClusterArn"), item) for item in answers[CLUSTERS.key()].items]
    return {str(arn): tags_of(item, "TagList") for arn, item in named if arn}

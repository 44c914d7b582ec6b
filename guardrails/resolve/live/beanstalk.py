"""The clusters of the Elastic Beanstalk environments that have the names which users come to.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.CNAMESwap.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.changes.records import plain_name
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.reached import Reached
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.region import Region
from guardrails.values import Lookup, SourceReport

ENVIRONMENTS = Lookup("elasticbeanstalk", "DescribeEnvironments", "Environments", {"IncludeDeleted": False})
Environment = Mapping[str, Any]


class Environments(Source):
    """The environment with a name of the setting `cnames` makes the cluster of its machines live.

    While it is being updated, so do the other environments of its application that are: their names may be swapped at
    that moment. Each name has to be one of an environment with machines, because it was listed as one that users use.
    """

    name = "beanstalk"
    asks = (ENVIRONMENTS,)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The environments of the region."""
        return (ENVIRONMENTS,)

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines of those environments."""
        environments = answers[ENVIRONMENTS.key()].items
        oldest = min(answers[ENVIRONMENTS.key()].observed_at, Region.of(answers).observed_at)
        reached, problems = Reached(), list[str]()
        for cname in settings.cnames:
            having = [each for each in environments if _has(each, cname)]
            problems += [] if having else [f"no environment has the CNAME {cname}"]
            for environment in (*having, *_swapping(having, environments)):
                name = environment["EnvironmentName"]
                machines = inventory.on("tag", f"elasticbeanstalk:environment-name={name}")
                problems += [] if machines else [f"AWS shows no machine of the environment {name}"]
                reached.add(machines, f"{cname}, environment {name} ({environment.get('Status')})")
        if problems:
            return SourceReport(self.name, (), oldest, "; ".join(problems), blind=True)
        sentence = reached.sentence("is behind", inventory.cluster_tag)
        return SourceReport(self.name, reached.clusters, oldest, sentence)


def _has(environment: Environment, cname: str) -> bool:
    """Whether this is its name, or the first part of it."""
    name, wanted = plain_name(str(environment.get("CNAME") or "")), plain_name(cname)
    return bool(name) and (name == wanted or name.partition(".")[0] == wanted)


def _swapping(having: list[Environment], environments: tuple[Environment, ...]) -> list[Environment]:
    """The environments with which one that is being updated may be swapping its name."""
    applications = {each.get("ApplicationName") for each in having if each.get("Status") == "Updating"}
    return [
        each
        for each in environments
        if each.get("ApplicationName") in applications and each.get("Status") == "Updating" and each not in having
    ]

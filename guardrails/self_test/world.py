"""The small world of the self-test: one machine of one cluster, which holds an Elastic IP and so is live."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.lookups import Fetched
from guardrails.values import Answer, Lookup, Origin, frozen

MACHINE, ASSOCIATION = "i-00000000000canary", "eipassoc-00000000000canary"
_ADDRESS, _CLUSTER, _ACCOUNT = "192.0.2.1", "canary", "000000000000"


@frozen
class World:
    """Answers look-ups; what is not in this world is nowhere."""

    cluster_tag: str

    def fetch(self, lookups: Iterable[Lookup], _: Origin) -> Fetched:
        held = {
            "PublicIp": _ADDRESS,
            "InstanceId": MACHINE,
            "AllocationId": "eipalloc-00000000000canary",
            "AssociationId": ASSOCIATION,
        }
        machine = {
            "InstanceId": MACHINE,
            "State": {"Name": "running"},
            "Tags": [{"Key": self.cluster_tag, "Value": _CLUSTER}],
        }
        known: Mapping[str, Any] = {
            INSTANCES.key(): {"OwnerId": _ACCOUNT, "Instances": [machine]},
            ADDRESSES.key(): held,
        }
        now = time.time()
        answers = {
            lookup.key(): Answer((known[lookup.key()],) if lookup.key() in known else (), now) for lookup in lookups
        }
        return Fetched(answers, (), 0)

"""Which IAM actions the catalogue's operations are, and which of them a policy can limit to the resources of a cluster.

``actions.json`` has every action of the catalogue's services by AWS's Service Authorization Reference: those of which
a resource supports ``aws:ResourceTag`` (`by_tag`), the `other`, and those with ``aws:TagKeys`` that change tags.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Literal

from attrs import frozen

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import CatalogueEntry

_SCHEMA = 1
# IAM's name of a service where its key in the catalogue is another.
_PREFIXES = {
    "apigatewayv2": "apigateway",
    "cloudcontrolapi": "cloudformation",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "monitoring": "cloudwatch",
    "opensearch": "es",
    "s3control": "s3",
    "tagging": "tag",
}
# Actions that do not have the operation's name.
_NAMES = {
    "s3:PutBucketLifecycle": "PutLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3control:PutPublicAccessBlock": "PutAccountPublicAccessBlock",
    "cassandra:DeleteKeyspace": "Drop",
    "cassandra:DeleteTable": "Drop",
}
# What a switch from one cluster to another calls: the guard lets it pass where the cluster that gains users can serve.
SWITCHES = frozenset(
    (
        "autoscaling:AttachLoadBalancerTargetGroups",
        "autoscaling:AttachLoadBalancers",
        "autoscaling:AttachTrafficSources",
        "autoscaling:DetachLoadBalancerTargetGroups",
        "autoscaling:DetachLoadBalancers",
        "autoscaling:DetachTrafficSources",
        "ec2:AssociateAddress",
        "ec2:DisassociateAddress",
        "elasticbeanstalk:SwapEnvironmentCNAMEs",
        "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
        "elasticloadbalancing:RegisterTargets",
        "rds:SwitchoverBlueGreenDeployment",
        "route53:ChangeResourceRecordSets",
    )
)
# Whether an action that begins so does harm depends on its parameters, and on what is there: the guard compares both.
_CHANGES = ("Add", "Apply", "Associate", "Attach", "Create", "Enable", "Import", "Modify", "Put", "Register", "Send",
            "Set", "Start", "Update")  # fmt: skip
# What becomes of an action: denied on what carries a cluster's tag; or why not.
Way = Literal["tag", "switch", "parameters", "no tag", "unknown"]
WHY = {
    "switch": "a switch from one cluster to another needs it; the guard checks where the users go",
    "parameters": "it depends on its parameters whether it does harm, and IAM does not see them",
    "no tag": "AWS does not support a condition on the resource's tags for it",
    "unknown": "the reference does not have an action of this name",
}
_REMOVES = ("Delete", "Remove", "Un")
# Whether these do harm depends on how many are left, and on what is put in place: on parameters, whatever the action.
_BY_SIZE = frozenset(("scale-in", "replace"))


@frozen
class Action:
    """An IAM action that does harm, and how a policy can deny it. `effects` are those of the catalogue.

    `ends` is true where it always takes something away, and for a switch.
    """

    name: str
    effects: frozenset[str]
    way: Way
    ends: bool

    @property
    def prefix(self) -> str:
        """IAM's name of the service."""
        return self.name.partition(":")[0]


@frozen
class _Service:
    by_tag: frozenset[str]
    every: frozenset[str]
    tagging: tuple[str, ...]


class Reference:
    """AWS's Service Authorization Reference, as far as the catalogue's services go."""

    def __init__(self) -> None:
        """Read the table. Raises ValueError for another schema."""
        text = resources.files("guardrails.backstop").joinpath("actions.json").read_text("utf-8")
        document = json.loads(text)
        if document["schema"] != _SCHEMA:
            raise ValueError(f"actions.json does not have schema {_SCHEMA}")
        self.source = f"{document['source']}, read on {document['read']}"
        self._services: Mapping[str, _Service] = {
            prefix: _Service(
                frozenset(row["by_tag"].split()),
                frozenset((*row["by_tag"].split(), *row["other"].split())),
                tuple(row["tag_keys"].split()),
            )
            for prefix, row in document["services"].items()
        }

    def every(self, prefix: str) -> frozenset[str]:
        """The names of all actions of a service."""
        return self._services[prefix].every

    def supports_tags(self, prefix: str, name: str) -> bool:
        """Whether a condition on the tags of its resource has an effect."""
        return name in self._services[prefix].by_tag

    def tagging(self, prefixes: Iterable[str], *, removes: bool) -> tuple[str, ...]:
        """The actions of these services that remove tags, or that set them, of resources with tags."""
        return tuple(
            f"{prefix}:{name}"
            for prefix in sorted({*prefixes})
            for name in self._services[prefix].tagging
            if name.startswith(_REMOVES) is removes
        )


def harmful(catalogue: Catalogue, reference: Reference, effects: frozenset[str]) -> list[Action]:
    """The actions that have one of these effects, or, depending on parameters, protection's; sorted by name."""
    found: dict[str, Action] = {}
    for key in sorted(catalogue.services):
        prefix = _PREFIXES.get(key, key)
        for operation, entry in catalogue.service(key).operations.items():
            name = _NAMES.get(f"{key}:{operation}") or _NAMES.get(f"{prefix}:{operation}", operation)
            action = _action(f"{prefix}:{name}", entry, reference, effects)
            if action is not None:
                other = found.get(action.name)
                found[action.name] = action if other is None else _both(action, other)
    return [found[name] for name in sorted(found)]


def _action(name: str, entry: CatalogueEntry, reference: Reference, effects: frozenset[str]) -> Action | None:
    plain, all_ = effects & {*entry.effects}, (effects | {"protection"}) & {*entry.all_effects}
    if entry.tags is not None or not (plain or all_):
        return None
    prefix, _, own = name.partition(":")
    ends = name in SWITCHES or (bool(plain - _BY_SIZE) and not own.startswith(_CHANGES))
    way: Way = "tag"
    if own not in reference.every(prefix):
        way = "unknown"
    elif not reference.supports_tags(prefix, own):
        way = "no tag"
    elif name in SWITCHES:
        way = "switch"
    elif not ends:
        way = "parameters"
    return Action(name, frozenset(plain if plain - _BY_SIZE else plain | all_), way, ends)


def _both(one: Action, other: Action) -> Action:
    """Two operations that are one action: what only sometimes does harm is not denied."""
    ways: Iterator[Way] = (each.way for each in (one, other) if each.way != "tag")
    return Action(one.name, one.effects | other.effects, next(ways, "tag"), one.ends and other.ends)

"""Which cluster something belongs to, by its tags: the configured ones, then those that AWS and its tools write.

An inferred cluster's name says where it comes from: ``asg/web-blue``, ``eks/prod``. Users cannot edit tags that begin
with ``aws:``, so they are better evidence than a tag of your own.
https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field

from guardrails.config.settings import Settings
from guardrails.values import frozen

# The kind of a cluster that a configured tag names, or that the configuration puts together.
NAMED = "tag"
# The kinds that memberships show: what is registered with a target group, and what alone holds an Elastic IP.
REGISTERED, ADDRESS = "tg", "ip"
# With this tag AWS marks nearly everything that a service or a template of its creates, as well as by those below.
STACK = "aws:cloudformation:stack-name"
# A tag whose value is the name, by kind; the first that something has counts.
_VALUES = (
    ("eb", "elasticbeanstalk:environment-name"),
    ("eks", "aws:eks:cluster-name"),
    ("eks", "eks:cluster-name"),
    ("eks", "alpha.eksctl.io/cluster-name"),
    ("ecs", "aws:ecs:clusterName"),
    ("asg", "aws:autoscaling:groupName"),
    ("fleet", "aws:ec2:fleet-id"),
    ("fleet", "aws:ec2spot:fleet-request-id"),
    ("stack", STACK),
)
# kubernetes.io/cluster/NAME = owned
_KUBERNETES = "kubernetes.io/cluster/"
# What these keys begin with. AWS lets users change those tags.
EDITABLE = (*(key for _, key in _VALUES if not key.startswith("aws:")), _KUBERNETES)


@frozen
class Owner:
    """A cluster by its name. `kind` says where that comes from: ``tag``, or ``asg``, ``eks`` and the like."""

    name: str
    kind: str


def _by_member(clusters: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {member: name for name, members in clusters.items() for member in members}


@frozen
class Ownership:
    """Whose something is, by the configuration.

    `tags` are the tags that name clusters, in order: the first that something has counts. `clusters` are put together
    from others: the name of each, and its members' names.
    """

    tags: tuple[str, ...] = ("Cluster",)
    _whole: Mapping[str, str] = field(factory=dict, converter=_by_member, alias="clusters")

    @classmethod
    def configured(cls, settings: Settings) -> Ownership:
        """The one that the configuration describes."""
        return cls(settings.cluster_keys, settings.clusters)

    def of(self, tags: Mapping[str, str]) -> Owner | None:
        """The owner of something with these tags; None where they name none."""
        for key in self.tags:
            if tags.get(key):
                return Owner(self._whole.get(tags[key], tags[key]), NAMED)
        return next((self.member(kind, name) for kind, _, name in _inferred(tags)), None)

    def named(self, tags: Mapping[str, str]) -> str | None:
        """The cluster that the configuration names for something with these tags, by a tag or as part of another."""
        owner = self.of(tags)
        return owner.name if owner is not None and owner.kind == NAMED else None

    def parts(self, name: str) -> tuple[str, ...]:
        """The cluster's own name, and those of the clusters that the configuration puts into it."""
        return (name, *(member for member, whole in self._whole.items() if whole == name))

    def marks(self, name: str) -> Iterator[tuple[str, str]]:
        """Every tag, as key and value, that may put something into the cluster of this name."""
        for part in self.parts(name):
            yield from ((key, part) for key in self.tags)
            kind, _, own = part.partition("/")
            yield from ((key, own) for each, key in _VALUES if own and each == kind)
            if own and kind == "eks":
                yield f"{_KUBERNETES}{own}", "owned"

    def member(self, kind: str, name: str) -> Owner:
        """The cluster that something of AWS's stands for, or the one that the configuration puts it into."""
        full = f"{kind}/{name}"
        return Owner(self._whole[full], NAMED) if full in self._whole else Owner(full, kind)


def inferring_tag(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The key and value of the tag that a cluster is inferred from, None without one."""
    return next(((key, tags[key]) for _, key, _ in _inferred(tags)), None)


def _inferred(tags: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Kind of cluster, key of the tag and name of the cluster, best first."""
    for kind, key in _VALUES:
        if tags.get(key):
            yield kind, key, tags[key]
        if kind == "eks":
            owned = (each for each, value in sorted(tags.items()) if each.startswith(_KUBERNETES) and value == "owned")
            yield from ((kind, each, each.removeprefix(_KUBERNETES)) for each in owned)

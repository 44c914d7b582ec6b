"""The frozen values that travel through the stages: Call, Facts, Decision, Outcome.

A stage takes some of these and returns another; nothing here does input or output.
Times are seconds since the epoch (``*_at``) or plain seconds (``*_s``).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Literal, TypedDict, final

import attrs
from attrs import NOTHING, evolve, field

Action = Literal["allow", "warn", "confirm", "deny"]
Enforcement = Literal["deny", "confirm", "warn", "dryrun"]
Mode = Literal["enforce", "warn", "dryrun"]
Role = Literal["target", "destination"]
CallerKind = Literal["person", "script", "ci", "notebook", "agent"]

EMPTY: Mapping[str, Any] = {}
# Stands where a secret was.
MASK = "**REDACTED**"
# Stands for an id that is an empty string: a variable that was not set.
EMPTY_ID = "(empty)"
# The only effect of an operation that the catalogue does not know yet.
UNREVIEWED = "unreviewed"
# The reason of a decision on a call that the guard lets through without a look.
NOT_GOVERNED = "not governed"


if TYPE_CHECKING:
    from attrs import frozen as frozen  # noqa: PLC0414  (the name is exported)
else:

    def frozen(cls: type | None = None, **options: Any) -> Any:
        """As `attrs.frozen`, which compiles a repr, a comparison and a hash for each class: half the time to make it.

        A start makes some 200 classes, which share these here. They do the same, 0.1 us slower. `order` is left to
        attrs.
        """
        if cls is None:
            return functools.partial(frozen, **options)
        if options.get("order"):
            return attrs.frozen(**options)(cls)
        made = attrs.frozen(**{**options, "eq": False, "repr": False})(cls)
        own = frozenset(vars(cls))
        if "__repr__" not in own:
            made.__repr__ = _repr
        if options.get("eq", True) and "__eq__" not in own:
            # With one name, attrgetter returns the value alone; the class makes it two in any case.
            names = [field.name for field in attrs.fields(made) if field.eq]
            made._compared = attrgetter("__class__", *names)
            made.__eq__, made.__hash__ = _eq, _hash
        return made


@recursive_repr()
def _repr(self: Any) -> str:
    names = (field.name for field in attrs.fields(type(self)) if field.repr)
    members = ", ".join(f"{name}={getattr(self, name, NOTHING)!r}" for name in names)
    return f"{type(self).__qualname__.rpartition('>.')[2]}({members})"


def _eq(self: Any, other: Any) -> Any:
    compared = self._compared
    return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def rfc3339(seconds: float) -> str:
    """``2023-10-09T15:22:00.000Z`` for seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What credentials that nothing refreshes have as attributes of their own.
_KEYS = frozenset(("access_key", "secret_key", "token"))


@frozen(eq=False)
class Origin:
    """The connection of an intercepted call.

    `credentials` is botocore's (refreshable) credentials object itself, never a copy of its keys.
    `service` is botocore's service name of the client, `endpoint_url` scheme and host of the call.
    `verify` is the client's TLS setting (None: botocore's default). `made_for` is the region that the script made its
    client for, "" where that is unknown. `home_region` is where the machines are, for a call to a service that has no
    regions; "" is the call's own region. With a `problem`, that cannot be said. `way` is what else of
    botocore's Config the client reaches AWS with.
    """

    credentials: Any
    region: str
    service: str
    endpoint_url: str
    verify: Any = None
    proxies: dict[str, str] | None = None
    made_for: str = ""
    home_region: str = ""
    problem: str = ""
    way: Mapping[str, Any] = field(factory=dict)

    @property
    def where(self) -> str:
        """The region of the machines."""
        return self.home_region or self.region

    @property
    def keys(self) -> tuple[str, str, str | None] | None:
        """Access key, secret key and session token of credentials that nothing refreshes; None for others."""
        who = self.credentials
        if isinstance(who, tuple):
            return who[0], who[1], who[2]
        has = getattr(who, "__dict__", {})
        return (has["access_key"], has["secret_key"], has["token"]) if has.keys() >= _KEYS else None

    @property
    def identity(self) -> object:
        """Equal for the same credentials: frozen ones by their keys, others by object and the keys that it has now.

        A script may change keys in place. To ask refreshable ones for theirs may mean waiting.
        """
        who = self.credentials
        if isinstance(who, tuple):
            return who
        return id(who), self.keys or getattr(who, "__dict__", {}).get("_access_key")


@frozen
class TargetRef:
    """One resource named by a call, as the caller wrote it; `type` is a resource type of the catalogue.

    `values` are those of a selector: its key and what that may be. Its `id` is only for people to read. Of a resource
    of CloudFormation they are its type, of a change set the keys of tags that say which cluster is live, of a schedule
    its group.
    """

    id: str
    type: str
    role: Role = "target"
    values: tuple[str, ...] = ()


@frozen
class TagChange:
    """What a tagging call does to the tags of its targets, whichever service's syntax it used."""

    set: Mapping[str, str] = EMPTY
    removed: tuple[str, ...] = ()
    removes_all: bool = False

    def keys(self) -> frozenset[str]:
        """Every tag key named by the call (a removal of all tags names none)."""
        return frozenset(self.set) | frozenset(self.removed)


@final
class Private:
    """What a call's parameters hold in clear. It stays in this process: no repr shows it, no pickle carries it.

    `params` are the whole parameters, which classification reads. `payloads` are commands and the like by JSON pointer,
    for the person who is asked about the call. `native` are the parameters of the service's own call that one of Cloud
    Control comes to. `created`, of a call on a stack, says by type and properties what creating a resource comes to.
    """

    __slots__ = ("created", "native", "params", "payloads")

    def __init__(
        self,
        params: Mapping[str, Any] = EMPTY,
        payloads: Mapping[str, Any] = EMPTY,
        native: Mapping[str, Any] = EMPTY,
        created: Callable[[str, Mapping[str, Any]], Call | None] = lambda _kind, _properties: None,
    ) -> None:
        self.created = created
        self.params = params
        self.payloads = payloads
        self.native = native

    def __repr__(self) -> str:
        return "Private()"

    def __reduce__(self) -> tuple[Any, ...]:
        return Private, ()


NOTHING_PRIVATE = Private()


@frozen
class Cause:
    """Why a call has effects: a form of it, or the operation as such (no `meaning`).

    `params` are the parameters of the call that it rests on: where these change nothing, it has no effects.
    """

    effects: tuple[str, ...]
    params: frozenset[str]
    meaning: str = ""


@frozen
class Call:
    """One AWS call about to leave the process, decoded from its serialized form.

    `service` is the signing name (``ec2``, ``autoscaling`` …), `params` have botocore's
    names with secrets and payloads replaced; `private` has them in clear. `undecodable` says why the body could not be
    read back. The lower block is filled in by classification: `native` is the operation of the service itself that a
    call of Cloud Control or a schedule comes to, as in `name`. `look_at`, in the same form, is the operation that shows
    what follows from a call whose harm comes later. `per_machine` is the parameter that lists the machines, of an
    operation that does the same to each.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    endpoint: str
    presigned: bool = False
    dry_run: bool = False
    masked: tuple[str, ...] = ()
    private: Private = field(default=NOTHING_PRIVATE, repr=False, eq=False)
    account: str | None = None
    undecodable: str | None = None

    effects: tuple[str, ...] = ()
    severity: str = ""
    forms: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    targets: tuple[TargetRef, ...] = ()
    tags: TagChange | None = None
    native: str = ""
    look_at: str = ""
    per_machine: str = ""

    @property
    def name(self) -> str:
        """``ec2:TerminateInstances``."""
        return f"{self.service}:{self.operation}"

    @property
    def clear_params(self) -> Mapping[str, Any]:
        """The parameters in clear, to find out what the call acts on. Never store or show them."""
        return self.private.params or self.params

    @property
    def as_native(self) -> Call:
        """The service's own call that one of Cloud Control, or a schedule, comes to; any other call itself."""
        if not self.native:
            return self
        service, _, operation = self.native.partition(":")
        private = Private(self.private.native, created=self.private.created)
        return evolve(self, service=service, operation=operation, params=self.private.native, private=private)

    @property
    def takes_out(self) -> bool:
        """Whether machines only leave a load balancer or their group by it, and run on."""
        return bool(self.per_machine) and self.effects == ("traffic",)

    @property
    def unreviewed(self) -> bool:
        """True for an operation that the catalogue does not know: what it acts on is unknown."""
        return self.effects == (UNREVIEWED,)

    @property
    def needs_facts(self) -> bool:
        """False where nothing has to be looked up: a dry run changes nothing, and an unreadable call is refused."""
        return not (self.dry_run or self.undecodable or self.unreviewed)


@final
class Part(TypedDict):
    """A resource of a stack, by type and physical id, and the clusters that it carries."""

    name: str
    clusters: list[str]


class TargetFacts(TypedDict, total=False):
    """What is known only of some types of targets, JSON-safe; a key that does not apply is absent.

    `traced` is false where no look-up shows which clusters depend on the target; `look_at` then names what may lead to
    them. `starts` are the clusters whose Auto Scaling groups start machines from it. `marked` says whether it carries
    the cluster tag, and `mismatch` that its id is of another type. `untagged` are the machines, among `instances` or
    those that hold or use the target, without a cluster. `missing` are machines that AWS names as holders and that
    the region does not show, such as those of another account: whose they are is unknown. `taken_out` is when it, or a
    machine on it, was taken out of clusters that were live, by cluster (seconds since the epoch). `spared` says why
    this call provably takes nothing from the target, `harm` what it would do to it; both are sentences for people.
    A deployment that the call `discards` is deleted, and all that it was made of stays.
    `serves` says whether the machine that receives something is running and passes EC2's checks, `via` are the clusters
    of the machine that the route in the call goes through now. `unseats` are the clusters that are live by how users
    reach them, and would count so no more once the target is an entrance, too. `routes` are the clusters, beside its
    own, whose routes lead to it.

    Of a stack, `parts` are the resources in it that carry a cluster, `unread` those that could not be followed,
    `untraced` those whose clusters no look-up shows. It is `unrelated` where nothing in it could belong to a cluster.
    """

    traced: bool
    look_at: list[str]
    starts: list[str]
    marked: bool
    taken_out: dict[str, float]
    mismatch: str
    instances: list[str]
    untagged: list[str]
    missing: list[str]
    spared: str
    harm: str
    discards: bool
    # a machine, an address or a network interface
    instance: str | None
    eni: str | None
    allocation: str | None
    elastic_ips: list[str]
    zone: str | None
    serves: bool
    unseats: list[str]
    # subnets and routing
    free_ips: int | None
    cidr: str | None
    machines: int
    subnets: list[str]
    route_table: str | None
    via: list[str]
    routes: list[str]
    # Auto Scaling groups
    desired: int | None
    min: int | None
    max: int | None
    # DNS records, stacks and change sets
    records: int
    removes: list[str]
    replaces: list[str]
    parts: list[Part]
    unread: list[str]
    untraced: list[str]
    unrelated: bool


@frozen
class Target:
    """What AWS says about one named resource.

    `clusters` are the clusters that live on the resource or are reached through it.
    `resolved` is false where AWS does not know the id.
    """

    id: str
    type: str
    role: Role
    resolved: bool
    clusters: tuple[str, ...] = ()
    tags: Mapping[str, str] = EMPTY
    state: str | None = None
    vpc: str | None = None
    subnet: str | None = None
    private_ips: tuple[str, ...] = ()
    public_ips: tuple[str, ...] = ()
    protections: Mapping[str, Any] = EMPTY
    facts: TargetFacts = field(factory=TargetFacts)


@frozen
class Cluster:
    """The machines of one cluster, in the account and region of the call.

    `kind` says where its name comes from: ``tag`` for a configured one, or what AWS shows, such as ``asg`` or ``eks``.
    `serving` counts what the parameter `remaining.of` says, `serving_targeted` those of them that this call names;
    both are None where that was not asked for.
    `total` counts machines that are not terminated or terminating, `in_flight` those that are terminating, `stopping`
    those that are being stopped (both also by a call that is still being decided on), `targeted` the machines that
    this call names, `remaining` the running ones that it leaves. `healthy` is None without a health check. `live_since`
    and `retired_at` are when the guards of this host saw it become live, and stop being live; `was_live_until` is when
    an earlier time of being live ended.
    """

    name: str
    live: bool
    running: int
    total: int
    targeted: int
    remaining: int
    in_flight: int
    public_ips: tuple[str, ...]
    subnets: tuple[str, ...]
    healthy: bool | None = None
    live_since: float | None = None
    retired_at: float | None = None
    kind: str = "tag"
    serving: int | None = None
    serving_targeted: int | None = None
    was_live_until: float | None = None
    stopping: int = 0


@frozen
class SourceReport:
    """Which clusters one source of liveness names; `evidence` is the sentence for people.

    `silent` is true where the source could look and found nothing of its kind here: it disagrees with no other. `blind`
    is true where it found something and could not tell whose: then it is not known what is live. One that `only_adds`
    disagrees with no other either, and does not make known what is live. Those in `standing` it sees at work,
    with machines or without.
    """

    name: str
    clusters: tuple[str, ...]
    observed_at: float
    evidence: str
    silent: bool = False
    blind: bool = False
    only_adds: bool = False
    standing: tuple[str, ...] = ()


# Sources of liveness that people write, and may write wrongly; the others see what users reach.
POINTERS = frozenset(("tag", "ssm", "file", "env", "command"))


@frozen
class Live:
    """Which clusters are live, by all sources together.

    `known` is false when no source names a cluster that has machines here, or one is blind. `disputed` is true when two
    sources that are not silent name different sets; then `clusters` is their union. `nothing` is true where nothing
    that users reach is here: all sources are silent, those for addresses and load balancers among them, and the memory
    knows of no cluster that was live. `absent` are clusters that sources name and that have no machines here, `unasked`
    the sources without which it is never known that nothing is live.
    """

    known: bool
    disputed: bool
    clusters: tuple[str, ...]
    sources: tuple[SourceReport, ...] = ()
    nothing: bool = False
    absent: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


@frozen
class Shift:
    """What a switch does to users: the share of the requests that each cluster gets, before and after, of 1.

    `way` is what is switched: ``listener``, ``rule``, ``targets``, ``record``, ``cnames``, ``deployment``, ``address``
    or ``pointer``. `known` is false where the shares cannot be computed, and `why` says why not. `healthy` is whether
    all targets of a cluster pass the checks of the balancer, for those in `after`; without a balancer they do.
    `machines_before` and `machines_after` count the machines of each cluster that share its users; a pointer does not
    show them.
    """

    way: str
    known: bool = False
    before: Mapping[str, float] = EMPTY
    after: Mapping[str, float] = EMPTY
    healthy: Mapping[str, bool] = EMPTY
    why: str = ""
    machines_before: Mapping[str, int] = EMPTY
    machines_after: Mapping[str, int] = EMPTY


# IAM's name for a service where it differs from botocore's (AWS, service authorization reference).
_PREFIXES = {
    "cloudcontrol": "cloudformation",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
}
# Actions that do not have the operation's name (AWS, service authorization reference for S3).
_ACTIONS = {
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}


@frozen
class Lookup:
    """One read-only request the guard needs: `items` is the response member with the list (or object), @ for all of it.

    An error code in `empty_on` means that no such resource exists; it counts as an answer without items. `region` is
    for services with an API in one region only; "" is the call's own region. An `optional` look-up may fail: what it
    would have answered is then unknown. Of a `sample` the first page is enough: it shows whether there is anything. A
    `first_page` alone is asked for, too, and the answer says whether it is all. Without a service it asks a program of
    the configuration instead of AWS.
    """

    service: str
    operation: str
    items: str
    params: Mapping[str, Any] = EMPTY
    empty_on: tuple[str, ...] = ()
    region: str = ""
    optional: bool = False
    sample: bool = False
    first_page: bool = False

    @property
    def permission(self) -> str:
        """The IAM action the look-up needs."""
        action = f"{_PREFIXES.get(self.service, self.service)}:{self.operation}"
        return _ACTIONS.get(action, action)

    @property
    def is_program(self) -> bool:
        """Whether it asks a program, which needs no permission of AWS."""
        return not self.service

    def about(self, **params: Any) -> Lookup:
        """The same look-up with these parameters."""
        more = (self.empty_on, self.region, self.optional, self.sample, self.first_page)
        return Lookup(self.service, self.operation, self.items, params, *more)

    @functools.cached_property
    def _key(self) -> str:
        read = f"{self.items} {' '.join(self.empty_on)}{' sample' * self.sample}"
        return f"{self.service}:{self.operation} {self.region} {read} {json.dumps(self.params, sort_keys=True)}"

    def key(self) -> str:
        """Equal for look-ups that ask the same, and read the same from the answer."""
        return self._key


@frozen
class Answer:
    """What a look-up returned. `observed_at` is just before the request: the answer is at least that recent.

    `whole` is False for the first of several pages.
    """

    items: tuple[Mapping[str, Any], ...]
    observed_at: float
    whole: bool = True


@frozen
class LookupFailure:
    """A look-up that failed; `permission` is the IAM action it needs.

    `source` is the source of liveness that alone asks it, "" where a call needs it anyway. `key` is the hash of
    the look-up's, which may hold what must not be shown, such as a presigned URL.
    """

    lookup: str
    code: str
    message: str
    permission: str
    optional: bool = False
    source: str = ""
    key: int = 0


@frozen
class Freeze:
    """Effects that every guard of a memory denies from `since` until `until` (seconds since the epoch, its clock)."""

    id: str
    effects: tuple[str, ...]
    reason: str
    by: str
    host: str
    since: float
    until: float

    def document(self) -> dict[str, Any]:
        """As JSON: a member of `input.freezes` of the Rego contract."""
        return {
            "id": self.id,
            "effects": list(self.effects),
            "reason": self.reason,
            "by": self.by,
            "host": self.host,
            "since": rfc3339(self.since),
            "until": rfc3339(self.until),
            "until_s": self.until,
        }

    def sentence(self) -> str:
        """The announcement."""
        return (
            f"frozen until {rfc3339(self.until)[:19]}Z: {', '.join(self.effects)}. Every guard that shares this memory "
            f"denies such calls. By {self.by} on {self.host}. Reason: {self.reason}"
        )


@frozen
class Earlier:
    """What of a cluster was taken out of service within the window, before a call that may take more.

    `gone` counts machines, `in_wave` those of the wave that is not over; it is over after `wait_s` more seconds.
    """

    gone: int = 0
    in_wave: int = 0
    wait_s: float = 0.0


class Wave(TypedDict):
    """What a call takes of a cluster whose machines go in waves; `taken` is None where the number is not known."""

    mode: str
    taken: int | None
    gone: int
    in_wave: int
    wait_s: float


class LiveSide(TypedDict):
    """How many machines of a live cluster are healthy, and the most that were while waves have been going out."""

    healthy: int | None
    best: int


class Waves(TypedDict):
    """`waves` of the policies' input. `loop` is the call for one part of what a call names, "" where there is none.

    `sized` is true for a call that lowers the size of a group.
    """

    clusters: dict[str, Wave]
    live: dict[str, LiveSide]
    loop: str
    sized: bool


@frozen
class Past:
    """What guards that share a memory did before a call, not counting the machines that the call itself names.

    `going` maps machines that AWS still shows as running to the state that an earlier call brings them into.
    `destroyed`, `stopped`, `out` (a load balancer or their group lost them, and they run) and `launched` count machines
    by cluster within `state.window_s`; `call_rate` counts calls of the same operation within a minute. `live_since`,
    `retired_at` and `was_live_until` are by cluster. `taken_out` is when a machine or target was taken out of a cluster
    that was live: by its id, and by cluster. `launch_tokens` is how many machines AWS would start at once; None where
    that was not asked.

    Where the memory that hosts share did not answer, `unshared` says why. `hosts` is then how many of them may each do
    as much as this one, and 0 where none may go on alone. `freezes` are those in force; then, those that this host last
    saw. Where no memory says what is frozen, `freezes_unknown` says why. `earlier` is by cluster ("" is none), and
    empty where nothing goes in waves. It is `outdated` what is live where another guard has seen something else since.
    """

    going: Mapping[str, str] = EMPTY
    destroyed: Mapping[str, int] = EMPTY
    stopped: Mapping[str, int] = EMPTY
    out: Mapping[str, int] = EMPTY
    launched: Mapping[str, int] = EMPTY
    call_rate: int = 0
    live_since: Mapping[str, float] = EMPTY
    retired_at: Mapping[str, float] = EMPTY
    was_live_until: Mapping[str, float] = EMPTY
    taken_out: Mapping[str, Mapping[str, float]] = EMPTY
    launch_tokens: float | None = None
    hosts: int = 1
    unshared: str = ""
    freezes: tuple[Freeze, ...] = ()
    freezes_unknown: str = ""
    earlier: Mapping[str, Earlier] = EMPTY
    outdated: bool = False


class OtherSubnet(TypedDict):
    """A subnet that a launch could use instead, with its free addresses."""

    id: str
    free: int
    zone: str


class SubnetRoom(TypedDict):
    """A set of subnets in which machines get their addresses.

    `needed` and `free` count addresses; `fits` counts machines, as does `reserved`: those that groups of live clusters
    may still start there. `alternatives` are subnets of the same network with room for all.
    """

    subnets: list[str]
    zones: list[str]
    needed: int
    free: int
    fits: int
    reserved: int
    alternatives: list[OtherSubnet]


@final
class Quota(TypedDict):
    """A quota of the account that a launch draws on, in vCPUs or addresses."""

    code: str
    name: str
    limit: float
    used: int
    needed: int


@final
class Unknown(TypedDict):
    """What could not be found out about a launch, and why."""

    what: Literal["addresses", "quota", "machines", "lookup"]
    why: str


class Capacity(TypedDict):
    """What a launch needs and what AWS has, JSON-safe: `capacity` of the policies' input.

    `machines` and `least` are how many the call wants, and how few AWS may start instead; `grows` is the cluster that
    they are tagged for.
    """

    machines: int | None
    least: int | None
    grows: str | None
    places: list[SubnetRoom]
    quotas: list[Quota]
    unknown: list[Unknown]


@frozen
class Facts:
    """Everything that was looked up for one decision. `lookups` counts the requests made for it.

    `account` is the one whose machines were looked up, None without machines. `capacity` is None for a call that
    launches nothing. `shift` is None for a call that is no switch. `launch_tokens` is how many machines AWS would start
    at once, for a call that terminates some.
    `problem` says why these facts are not enough to decide on, "" where they are. `call` is the call with the effects
    that are left once it is compared with what is there; None where nothing was compared. `waves` is None for a call
    that takes no machine of a cluster whose machines go in waves. `reused` is true where an answer is from before this
    decision began.
    """

    targets: tuple[Target, ...]
    clusters: tuple[Cluster, ...]
    live: Live
    observed_at: float
    lookups: int = 0
    failures: tuple[LookupFailure, ...] = ()
    account: str | None = None
    past: Past = Past()
    capacity: Capacity | None = None
    shift: Shift | None = None
    launch_tokens: float | None = None
    problem: str = ""
    call: Call | None = None
    waves: Waves | None = None
    reused: bool = False


@frozen
class Caller:
    """Who makes the call, from what the process knows without asking anyone.

    `denials` counts the calls of this kind of caller, user and host that were denied on a live cluster within an hour,
    None where that is unknown. `user_id` and `arn` are known only for a call that asks for an approval.
    """

    principal: str | None
    os_user: str
    host: str
    program: str
    interactive: bool
    notebook: bool
    pid: int
    test_run: bool = False
    kind: CallerKind = "script"
    denials: int | None = 0
    user_id: str | None = None
    arn: str | None = None


@frozen
class Violation:
    """One rule that a call breaks. `action` is what that rule does about it after per-rule enforcement."""

    rule: str
    target: str
    message: str
    remediation: str
    action: Enforcement


@frozen
class ApprovalRequest:
    """What a second person is asked to approve: this very call, by its digest, once.

    `summary` says what the call would do, `rules` are the rules that block it and `targets` the ids that it names. The
    request is open until `until` (seconds since the epoch). `user` is who asks: AWS's user id, or the user of the host.
    `note` says why an earlier approval does not count, "" where there was none.
    """

    id: str
    digest: str
    rules: tuple[str, ...]
    targets: tuple[str, ...]
    summary: str
    until: float
    user: str
    note: str = ""

    @property
    def command(self) -> str:
        """What the other person runs."""
        return f'guardrails approve {self.id} --reason "…"'

    def document(self) -> dict[str, Any]:
        """As JSON: for programs, and for the decision log."""
        return {
            "id": self.id,
            "digest": self.digest,
            "rules": list(self.rules),
            "targets": list(self.targets),
            "summary": self.summary,
            "until": rfc3339(self.until),
            "until_s": self.until,
            "user": self.user,
            "note": self.note,
            "command": self.command,
        }


@frozen
class Approval:
    """A second person's yes to a request: for this very call, once.

    `by` is who approved, and `asked_by` who asked: AWS's user ids, or users of the host. `name` and `asker` are the
    same for people. Until `until` (seconds since the epoch), `rules` do not block the call. `leaves` is what was to
    remain of each cluster that the call reaches, and how many machines of it ran. `used_by` is the id of the decision
    that uses it, "" before that.
    """

    id: str
    digest: str
    rules: tuple[str, ...]
    by: str
    name: str
    reason: str
    at: float
    until: float
    asked_by: str
    asker: str = ""
    leaves: Mapping[str, tuple[int, int]] = field(factory=dict)
    used_by: str = ""

    @property
    def asker_arn(self) -> str | None:
        """The ARN of who asked; None for a user of the host."""
        return self.asker if self.asker.startswith("arn:") else None

    def document(self) -> dict[str, Any]:
        """A member of `input.approvals` of the Rego contract."""
        return {
            "id": self.id,
            "rules": list(self.rules),
            "by": self.by,
            "name": self.name,
            "reason": self.reason,
            "at": rfc3339(self.at),
            "until": rfc3339(self.until),
            "until_s": self.until,
            "asked_by": self.asked_by,
            "asker": self.asker,
        }


@frozen
class Decision:
    """The verdict on one call, before the mode is applied.

    `unavailable` is set when the guard could not decide (then `action` is ``deny``).
    `input` and `result` are the documents the engine was given and gave, for the decision log.
    `what_if` is the mode that would apply, when nothing was to be sent (`Guard.check`); "" otherwise.
    `confirmed` is true when a person has given their word for a ``confirm``. `loaded_at` is when the policies that
    decided were loaded, `behind` why a later edit does not load, `checked_at` when fetched ones were last checked at
    their source. `approval` is what a second person is asked, so that the call may be made again; None where it is not
    blocked or cannot be approved. `approved` is the approval that lets it pass, None where it needs none.
    """

    id: str
    action: Action
    call: Call
    violations: tuple[Violation, ...] = ()
    facts: Facts | None = None
    caller: Caller | None = None
    unavailable: str | None = None
    reason: str = ""
    confirmed: bool = False
    what_if: Mode | Literal[""] = ""
    revision: str = ""
    loaded_at: float = 0.0
    behind: str = ""
    checked_at: float = 0.0
    decided_at: float = 0.0
    approval: ApprovalRequest | None = None
    approved: Approval | None = None
    input: Mapping[str, Any] = field(default=EMPTY, repr=False)
    result: Mapping[str, Any] = field(default=EMPTY, repr=False)
    metrics: Mapping[str, int] = field(default=EMPTY, repr=False)

    @property
    def allowed(self) -> bool:
        """True when nothing speaks against sending the call (a warning does not)."""
        return self.action in ("allow", "warn")

    @property
    def names_something_live(self) -> bool:
        """Whether the call names something that a live cluster depends on."""
        if self.facts is None:
            return False
        live = {*self.facts.live.clusters}
        return any(target.role == "target" and live & {*target.clusters} for target in self.facts.targets)


@frozen
class Outcome:
    """What is done about a decision in this mode: send the call or block it, and what to say.

    `waited_s` is how long the call waited for its turn in AWS's rate limits.
    """

    send: bool
    enforcement: Literal["allow", "warn", "dryrun", "deny"]
    warning: str | None = None
    waited_s: float = 0.0

"""Key pairs: a machine that runs keeps its key, and a group whose template names one that is gone starts no more.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.resources.launch_sources import and_started
from guardrails.resolve.resources.machines import of_machines, on
from guardrails.resolve.resources.resolver import Context, Resolver, judged, named
from guardrails.values import Call, Lookup, Target, TargetRef

_BY_ID = Lookup("ec2", "DescribeKeyPairs", "KeyPairs", empty_on=("InvalidKeyPair.NotFound",))
_STARTED = and_started("key-pair", of_machines("key-pair", on("key-pair")))


def _by_id(name: str) -> Lookup:
    return _BY_ID.about(KeyPairIds=[name])


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    ids = named(call, "key-pair") if not call.params.get("KeyName") else ()
    return (*_STARTED.lookups(call, keys), *map(_by_id, ids))


def _key_pair(ref: TargetRef, context: Context) -> Target:
    """By its name, which is what templates know."""
    listed = context.items(_by_id(ref.id)) if _by_id(ref.id).key() in context.answers else ()
    name = next((str(item.get("KeyName")) for item in listed if item.get("KeyPairId") == ref.id), ref.id)
    target = evolve(_STARTED.resolve(evolve(ref, id=name), context), id=ref.id)
    kept = context.call.operation == "DeleteKeyPair" and not target.facts.get("starts")
    return judged(target, None, "machines that run keep their key") if kept else target


RESOLVERS = {"key-pair": Resolver(_key_pair, (*_STARTED.asks, _BY_ID), _lookups, _STARTED.followups)}

"""Registered domains: other name servers answer every name in the account's hosted zones of the domain.

A domain without a zone here is answered elsewhere, and no look-up shows where its names lead.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_domains_UpdateDomainNameservers.html
"""

from __future__ import annotations

from guardrails.resolve.changes.records import is_within
from guardrails.resolve.resources.resolver import Answers, Context, Part, Resolver
from guardrails.resolve.resources.route53_names import ZONES
from guardrails.resolve.resources.route53_zones import zone_id
from guardrails.values import Call, Target, TargetFacts, TargetRef

_KIND = "registered-domain"


def _zones(ref: TargetRef, _call: Call, answers: Answers) -> tuple[Part, ...]:
    answer = answers.get(ZONES.key())
    return tuple(
        Part(str(zone["Name"]), (TargetRef(zone_id(str(zone["Id"])), "hosted-zone"),))
        for zone in (answer.items if answer else ())
        if is_within(zone["Name"], ref.id)
        if not (zone.get("Config") or {}).get("PrivateZone")
    )


def _domain(ref: TargetRef, context: Context) -> Target:
    elsewhere: TargetFacts = {"traced": False, "look_at": [f"where the names of {ref.id} lead"]}
    facts = {} if _zones(ref, context.call, context.answers) else elsewhere
    return Target(ref.id, _KIND, ref.role, resolved=True, facts=facts)


RESOLVERS = {_KIND: Resolver(_domain, (ZONES,), parts=_zones)}

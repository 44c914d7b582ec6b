"""``guardrails demo --mine``: the account is read, built again in the simulated AWS, and ten accidents are tried there.

The account itself only gets look-ups.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from guardrails.config.settings import LogSettings, Settings, StateSettings
from guardrails.demo.mine.accidents import Accident, Site
from guardrails.demo.mine.account import Account, look
from guardrails.demo.mine.rebuild import Rebuilt
from guardrails.guard import Guard
from guardrails.show.failures import failure_sentence
from guardrails.show.sentences import effective, live_sentence, verb, why
from guardrails.testing import SimulatedAWS
from guardrails.values import Decision, frozen

__all__ = ["Answer", "Rehearsal", "rehearse"]

# What the copy has. Other sources look at what it does not.
_SOURCES = ("eip", "target-group", "asg", "tag", "file", "env")


@frozen
class Answer:
    """What the configuration says to an accident; `verdict` is "" where the account has nothing like that."""

    title: str
    verdict: str = ""
    blocked: bool = False
    rules: tuple[str, ...] = ()
    sentence: str = ""


@frozen
class Rehearsal:
    """The result: `cluster` is the one that the accidents happen to, `gaps` is what the copy does not have."""

    cluster: str
    live: str
    answers: tuple[Answer, ...]
    everyday: Answer
    gaps: tuple[str, ...]


def rehearse(settings: Settings, client: Any) -> Rehearsal:
    """Read the account of `client`, build it again, and decide on the accidents there. Writes no log and no memory."""
    quiet = evolve(
        settings, log=LogSettings(enabled=False), state=StateSettings(enabled=False), file=None, organisation=None
    )
    account = look(Guard(quiet), client)
    with SimulatedAWS() as aws:
        copy = Rebuilt(aws, account)
        return _decided(aws, _of_copy(quiet, copy), copy, account, client.meta.region_name)


def _of_copy(settings: Settings, copy: Rebuilt) -> Settings:
    """The configuration with the copy's ids, without sources that the copy cannot answer."""
    live = settings.live
    kept = tuple(name for name in live.sources if name in _SOURCES)
    copy.gaps += [f"the source {name}, which is left out here" for name in live.sources if name not in kept]
    return evolve(
        settings,
        live=evolve(
            live,
            sources=kept or ("eip", "target-group"),
            eip_addresses=tuple(copy.ids.get(address, address) for address in live.eip_addresses),
            listeners=tuple(copy.ids.get(arn, arn) for arn in live.listeners),
        ),
    )


def _decided(aws: SimulatedAWS, settings: Settings, copy: Rebuilt, account: Account, region: str) -> Rehearsal:
    guard = Guard(settings)
    seen = look(guard, aws.client("ec2"))
    facts = guard.live(aws.client("ec2"))
    site = Site(seen, settings, facts.live.clusters, _empty_group(aws, seen))
    back = _Words(copy.ids, aws.region, region)

    def answer(accident: Accident) -> Answer:
        if accident.params is None:
            return Answer(accident.title)
        decision = guard.check(aws.client(accident.service), accident.operation, **accident.params)
        return _answer(back.of(accident.title), decision, back)

    gaps = (*map(failure_sentence, account.failures), *copy.gaps)
    return Rehearsal(
        back.of(site.cluster),
        back.of(live_sentence(facts.live, time.time())),
        tuple(map(answer, site.accidents())),
        answer(site.everyday()),
        gaps,
    )


def _empty_group(aws: SimulatedAWS, account: Account) -> str | None:
    """A target group without machines, beside those of the account."""
    vpc = next((group["VpcId"] for group in account.groups if group.get("VpcId")), None)
    if vpc is None:
        return None
    protocol = account.groups[0]["Protocol"]
    made = aws.client("elbv2").create_target_group(Name="empty-side", Protocol=protocol, Port=80, VpcId=vpc)
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    return arn


def _answer(title: str, decision: Decision, back: _Words) -> Answer:
    rules = tuple(dict.fromkeys(violation.rule for violation in effective(decision)))
    sentence = next((violation.message for violation in effective(decision)), "") or why(decision)
    return Answer(title, verb(decision), not decision.allowed, rules, back.of(sentence))


class _Words:
    """Texts about the copy, with the account's own ids and region."""

    def __init__(self, ids: Mapping[str, str], copied_region: str, region: str) -> None:
        self._original = {new: name.rpartition(" ")[2] for name, new in ids.items()} | {copied_region: region}
        # The longest first: the id of a balancer is a part of that of its listener.
        found = "|".join(map(re.escape, sorted(self._original, key=len, reverse=True)))
        self._found = re.compile(rf"(?<![\w.-])(?:{found})(?![\w-]|\.\d)")

    def of(self, text: str) -> str:
        """The text as it would be about the account."""
        return self._found.sub(lambda match: self._original[match[0]], text)

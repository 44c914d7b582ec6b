"""The clusters whose machines hold Elastic IPs: what users actually reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.live.source import Source
from guardrails.resolve.region import Region
from guardrails.values import Answer, Lookup, SourceReport

_SHOWN = 3


class ElasticIps(Source):
    """A machine that holds an Elastic IP makes its cluster live.

    The settings `eip_addresses` and `eip_tag` narrow down which addresses count.
    """

    name = "eip"

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The addresses of the region."""
        return (ADDRESSES,)

    def observe(self, settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines that hold such an address."""
        counted = [address for address in inventory.addresses if counts(address, settings)]
        holders: dict[str, list[str]] = defaultdict(list)
        strays = 0
        for address in counted:
            machines = [machine for machine in inventory.holders_of(address) if machine.present]
            for cluster in {machine.cluster for machine in machines if machine.cluster}:
                holders[cluster].append(address["PublicIp"])
            strays += any(machine.cluster is None for machine in machines)
        sentence = "; ".join(f"{cluster} holds {_list(ips)}" for cluster, ips in sorted(holders.items()))
        if not sentence:
            sentence = _nowhere(len(counted))
        if strays:
            where = "is on a machine" if strays == 1 else "are on machines"
            sentence += f"; {strays} {where} without a {inventory.cluster_tag} tag"
        oldest = min(answers[ADDRESSES.key()].observed_at, Region.of(answers).observed_at)
        # Addresses that the configuration names and that are not there are a mistake, not silence.
        silent = not counted and not settings.eip_addresses and not settings.eip_tag
        return SourceReport(self.name, tuple(sorted(holders)), oldest, sentence, silent)


def counts(address: Mapping[str, Any], settings: LiveSettings) -> bool:
    """Whether an address shows what is live, by `eip_addresses` and `eip_tag`."""
    if settings.eip_addresses:
        return address.get("PublicIp") in settings.eip_addresses
    if settings.eip_tag:
        tags = {tag["Key"]: tag.get("Value", "") for tag in address.get("Tags") or []}
        return tags.get(settings.eip_tag.key) == settings.eip_tag.value
    return True


def _nowhere(number: int) -> str:
    if number == 1:
        return "the only Elastic IP is not on a machine of a cluster"
    return f"none of {number} Elastic IPs is on a machine of a cluster" if number else "no Elastic IP found"


def _list(ips: list[str]) -> str:
    shown = ", ".join(sorted(ips)[:_SHOWN])
    more = f" and {len(ips) - _SHOWN} more" if len(ips) > _SHOWN else ""
    return f"{'Elastic IP' if len(ips) == 1 else 'Elastic IPs'} {shown}{more}"

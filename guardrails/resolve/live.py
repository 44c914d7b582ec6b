"""Which cluster is live: small sources that each say what they see, and the rule that puts them together.

    eip     the clusters whose machines hold the listed (or tagged, or any) Elastic IPs: what users actually reach
    tag     the clusters of machines that carry a live mark
    ssm     a Parameter Store value
    file    a file's text            env    an environment variable

Two sources that name different clusters are in dispute: then every cluster that either of them names is live.
When nobody names a cluster that has machines, none may be hurt.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from guardrails.config.settings import LiveSettings, Tag
from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Inventory
from guardrails.values import Answer, Live, Lookup, SourceReport


def lookups(settings: LiveSettings) -> tuple[Lookup, ...]:
    """The look-ups the configured sources need besides the machines."""
    wanted: tuple[Lookup, ...] = ()
    if "eip" in settings.sources:
        wanted += (ADDRESSES,)
    if "ssm" in settings.sources:
        wanted += (_parameter(settings),)
    return wanted


def observe(settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory) -> Live:
    """Ask every configured source and put the reports together."""
    reports = tuple(_SOURCES[name](settings, answers, inventory) for name in settings.sources)
    return combine(reports, {name for name, members in inventory.members.items() if any(map(_present, members))})


def combine(reports: Iterable[SourceReport], existing: Iterable[str]) -> Live:
    """The union of what the sources name; `existing` are the clusters that have machines.

    A source that names nothing disagrees with one that names something.
    """
    reports = tuple(reports)
    named = {cluster for report in reports for cluster in report.clusters}
    return Live(
        known=bool(named & set(existing)),
        disputed=len({frozenset(report.clusters) for report in reports}) > 1,
        clusters=tuple(sorted(named)),
        sources=reports,
    )


def _present(machine: Any) -> bool:
    return machine.state not in ("terminated", "shutting-down")


def _eip(settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory) -> SourceReport:
    holders: dict[str, list[str]] = {}
    strangers, counted = 0, 0
    for address in inventory.addresses:
        if not _counts(address, settings):
            continue
        counted += 1
        machine = inventory.machines.get(address.get("InstanceId") or "")
        if machine is not None and machine.cluster and _present(machine):
            holders.setdefault(machine.cluster, []).append(address["PublicIp"])
        elif machine is not None and _present(machine):
            strangers += 1
    said = "; ".join(f"{cluster} holds {_some(ips)}" for cluster, ips in sorted(holders.items()))
    if not said:
        said = f"none of {counted} Elastic IPs is on a machine of a cluster" if counted else "no Elastic IP counts"
    if strangers:
        said += f"; {strangers} on machines without a {inventory.cluster_tag} tag"
    oldest = min(answers[lookup.key()].observed_at for lookup in (ADDRESSES, INSTANCES))
    return SourceReport("eip", tuple(sorted(holders)), oldest, said)


def _counts(address: Mapping[str, Any], settings: LiveSettings) -> bool:
    if settings.eip_addresses:
        return address.get("PublicIp") in settings.eip_addresses
    if settings.eip_tag:
        tags = {tag["Key"]: tag.get("Value", "") for tag in address.get("Tags") or []}
        return tags.get(settings.eip_tag.key) == settings.eip_tag.value
    return True


def _some(values: list[str]) -> str:
    shown = ", ".join(sorted(values)[:3])
    return shown if len(values) <= 3 else f"{shown} and {len(values) - 3} more"


def _tag(settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory) -> SourceReport:
    mark = settings.tag or Tag("Live", "true")
    marked = [machine for machine in inventory.on("tag", f"{mark.key}={mark.value}") if _present(machine)]
    clusters = tuple(sorted({machine.cluster for machine in marked if machine.cluster}))
    said = f"{len(marked)} machines carry {mark.key}={mark.value}"
    return SourceReport("tag", clusters, answers[INSTANCES.key()].observed_at, said)


def _parameter(settings: LiveSettings) -> Lookup:
    return Lookup(
        "ssm",
        "GetParameter",
        "Parameter",
        {"Name": settings.ssm_parameter},
        empty_on=("ParameterNotFound", "ParameterVersionNotFound"),
    )


def _ssm(settings: LiveSettings, answers: Mapping[str, Answer], _: Inventory) -> SourceReport:
    answer = answers[_parameter(settings).key()]
    value = str(answer.items[0].get("Value", "")) if answer.items else None
    said = f"{settings.ssm_parameter} says {value!r}" if value is not None else f"{settings.ssm_parameter} is not there"
    return SourceReport("ssm", names(value), answer.observed_at, said)


def _file(settings: LiveSettings, _answers: Mapping[str, Answer], _: Inventory) -> SourceReport:
    now = time.time()
    try:
        text = Path(str(settings.file)).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return SourceReport("file", (), now, f"{settings.file} cannot be read ({type(error).__name__})")
    return SourceReport("file", names(text), now, f"{settings.file} says {', '.join(names(text)) or 'nothing'}")


def _env(settings: LiveSettings, _answers: Mapping[str, Answer], _: Inventory) -> SourceReport:
    value = os.environ.get(str(settings.env))
    said = f"{settings.env}={value}" if value is not None else f"{settings.env} is not set"
    return SourceReport("env", names(value), time.time(), said)


def names(text: str | None) -> tuple[str, ...]:
    """Cluster names in a text: separated by commas or lines, ``#`` starts a comment."""
    lines = [line.partition("#")[0] for line in (text or "").splitlines()]
    return tuple(sorted({name.strip() for line in lines for name in line.split(",") if name.strip()}))


_SOURCES: Mapping[str, Callable[[LiveSettings, Mapping[str, Answer], Inventory], SourceReport]] = {
    "eip": _eip,
    "tag": _tag,
    "ssm": _ssm,
    "file": _file,
    "env": _env,
}

"""What a rebuild needs, at a moment, and its form as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from guardrails.errors import ConfigError
from guardrails.rebuild.machine import Machine
from guardrails.values import EMPTY, frozen, rfc3339

FORMAT = 1


@frozen
class Snapshot:
    """Machines with their clusters, and the Auto Scaling groups by name: {min, max, desired, subnets}.

    `missing` are sentences about what could not be seen. `scope` is the account and region. `taken_at` is in seconds
    since the epoch. `path` is the file that it was read from.
    """

    scope: str
    taken_at: float
    machines: tuple[Machine, ...]
    groups: Mapping[str, Mapping[str, Any]] = EMPTY
    missing: tuple[str, ...] = ()
    path: str = ""

    def of(self, cluster: str) -> list[Machine]:
        """The machines of a cluster that were there."""
        return [machine for machine in self.machines if machine.cluster == cluster and machine.alive]

    def clusters(self) -> dict[str, int]:
        """How many machines each cluster has."""
        names = sorted({machine.cluster for machine in self.machines if machine.cluster and machine.alive})
        return {name: len(self.of(name)) for name in names}

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "format": FORMAT,
            "scope": self.scope,
            "taken_at": self.taken_at,
            "time": rfc3339(self.taken_at),
            "missing": list(self.missing),
            "groups": {name: dict(group) for name, group in self.groups.items()},
            "machines": [attrs.asdict(machine) for machine in self.machines],
        }


def read(document: Any, path: str) -> Snapshot:
    """The snapshot in a file. Raises ConfigError where it is not one."""
    if not isinstance(document, dict) or "machines" not in document:
        raise ConfigError(f"{path} is not a snapshot of `guardrails rebuild snapshot`; name another file with --from")
    if document.get("format") != FORMAT:
        raise ConfigError(
            f"{path} has format {document.get('format')!r}, and this version reads format {FORMAT}; take a new "
            "snapshot with this version, or use the version that wrote it"
        )
    try:
        return Snapshot(
            str(document["scope"]),
            float(document["taken_at"]),
            tuple(map(machine_of, document["machines"])),
            dict(document["groups"]),
            tuple(document["missing"]),
            path,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{path} is damaged ({type(error).__name__}: {error}); name another file with --from"
        ) from error


def machine_of(entry: Mapping[str, Any]) -> Machine:
    """The machine in a file."""
    values = dict(entry)
    for name in ("private_ips", "interfaces", "missing", "template", "volumes"):
        values[name] = tuple(values[name])
    # Snapshots of earlier versions do not have it.
    values["not_restored"] = tuple(values.get("not_restored", ()))
    values["elastic_ips"] = tuple((str(name), str(ip)) for name, ip in values["elastic_ips"])
    values["targets"] = tuple((str(arn), int(port), str(kind)) for arn, port, kind in values["targets"])
    return Machine(**values)

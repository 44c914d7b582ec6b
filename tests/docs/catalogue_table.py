"""The coverage page's tables of services, from the catalogue. `python -m tests.docs.catalogue_table` writes them."""

from __future__ import annotations

import botocore.session

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import READ_ONLY, CatalogueEntry, Service
from guardrails.resolve.resources.registry import UNTRACED
from tests.support.generated import Generated

PART = Generated("coverage.md", "services", "tests.docs.catalogue_table")
EFFECTS = ("terminate", "stop", "storage", "traffic", "network", "ip", "scale-in", "replace", "protection", "indirect",
           "capacity", "opaque", "admit")  # fmt: skip
HEAD = ("service", "all", "read only", "harmless", "judged", "by facts", "by rule only")


def effects(entry: CatalogueEntry) -> set[str]:
    """What an operation does in any of its forms."""
    return set(entry.all_effects)


def by_facts(entry: CatalogueEntry) -> bool:
    """Whether look-ups determine the cluster, or the room for a launch; otherwise only a rule decides."""
    return any(target.type not in UNTRACED for target in entry.targets) or "capacity" in effects(entry)


def reviewed(catalogue: Catalogue) -> list[Service]:
    """The services of which every operation was reviewed, in the order of the catalogue's files."""
    services = map(catalogue.service, sorted(catalogue.services))
    return [service for service in services if service.complete]


def partial() -> str:
    """The other services, each with the number of operations that are judged."""
    catalogue = Catalogue()
    services = map(catalogue.service, sorted(catalogue.services))
    return ", ".join(f"{service.service} {len(service.operations)}" for service in services if not service.complete)


def counts() -> list[tuple[str, list[int]]]:
    """Per service the numbers below HEAD, in the order of the catalogue's files, and their sum as the last row."""
    catalogue, session = Catalogue(), botocore.session.get_session()
    rows = []
    for service in reviewed(catalogue):
        names = session.get_service_model(service.service).operation_names
        entries = list(service.operations.values())
        facts = sum(map(by_facts, entries))
        reads = sum(name.startswith(READ_ONLY) for name in names)
        numbers = [len(names), reads, len(service.harmless), len(entries), facts, len(entries) - facts]
        rows.append((service.service, numbers))
    return [*rows, ("all", [sum(column) for column in zip(*(numbers for _, numbers in rows), strict=True)])]


def effects_table() -> list[str]:
    """One line per effect: how many operations have it, and in which services."""
    catalogue = Catalogue()
    lines = ["| effect | judged operations |", "|---|---|"]
    services = [catalogue.service(key) for key in sorted(catalogue.services)]
    for effect in EFFECTS:
        operations = {
            service.service: sum(effect in effects(entry) for entry in service.operations.values())
            for service in services
        }
        parts = [f"{name} {count}" for name, count in operations.items() if count]
        lines.append(f"| {effect} | {sum(operations.values())}: {', '.join(parts)} |")
    return lines


def table() -> str:
    """Both tables: operations per service, and what the judged ones do."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---{'|--:' * (len(HEAD) - 1)}|"]
    lines += [f"| {name} | {' | '.join(str(count or '') for count in numbers)} |" for name, numbers in counts()]
    intro = "What the judged operations do (one operation can have several effects):"
    others = "Of these services only what can hurt a running cluster is judged:"
    return "\n".join([*lines, "", others, f"{partial()}.", "", intro, "", *effects_table(), ""])


if __name__ == "__main__":
    PART.write(table())

"""The README's table of what is judged, from the catalogue. `python -m tests.docs.catalogue_table` writes it."""

from __future__ import annotations

from pathlib import Path

import botocore.session

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import READ_ONLY, CatalogueEntry
from guardrails.resolve.resources.registry import UNTRACED

README = Path(__file__).parent.parent.parent / "README.md"
BEGIN = "<!-- services: written by python -m tests.docs.catalogue_table -->\n"
END = "<!-- end of services -->\n"
EFFECTS = ("terminate", "stop", "storage", "traffic", "network", "ip", "scale-in", "replace", "protection", "indirect",
           "capacity", "opaque")  # fmt: skip


def effects(entry: CatalogueEntry) -> set[str]:
    """What an operation does in any of its forms."""
    return {*entry.effects, *(effect for form in entry.forms for effect in form.effects)}


def by_facts(entry: CatalogueEntry) -> bool:
    """Whether look-ups tell which cluster is meant (for a launch: what room there is); else only a rule speaks."""
    return any(target.type not in UNTRACED for target in entry.targets) or "capacity" in effects(entry)


def table() -> str:
    """One line for each service, and their sum."""
    catalogue, session = Catalogue(), botocore.session.get_session()
    rows = []
    for key in sorted(catalogue.services):
        service = catalogue.service(key)
        entries = list(service.operations.values())
        names = session.get_service_model(service.service).operation_names
        facts = sum(map(by_facts, entries))
        counts = [
            len(names),
            sum(name.startswith(READ_ONLY) for name in names),
            len(service.harmless),
            len(entries),
            facts,
            len(entries) - facts,
            *(sum(effect in effects(entry) for entry in entries) for effect in EFFECTS),
        ]
        rows.append((service.service, counts))
    rows.append(("all", [sum(column) for column in zip(*(counts for _, counts in rows), strict=True)]))
    head = ["service", "operations", "read only", "harmless", "judged", "by facts", "by rule only", *EFFECTS]
    lines = [f"| {' | '.join(head)} |", f"|---{'|--:' * (len(head) - 1)}|"]
    lines += [f"| {name} | {' | '.join(str(count or '') for count in counts)} |" for name, counts in rows]
    return "\n".join([*lines, ""])


def parts() -> tuple[str, str, str]:
    """The README before the table, the table, and after it."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    found, _, after = rest.partition(END)
    return before, found, after


if __name__ == "__main__":
    before, _, after = parts()
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", "utf-8")

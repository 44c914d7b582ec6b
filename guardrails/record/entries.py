"""Read decision logs: their files, their lines, and the parts of an entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from guardrails.record.log_files import DAMAGED, files, opened, unreadable
from guardrails.record.long_lines import whole
from guardrails.values import frozen

# The type of a line that says of an earlier decision that its call was not sent after all.
NOT_SENT = "guardrails/not-sent"


def part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`; {} where it is missing or is not an object."""
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def texts(value: Any) -> list[str]:
    """The members of a list or tuple as strings; [] for anything else."""
    return [str(member) for member in value] if isinstance(value, (list, tuple)) else []


@frozen
class Entry:
    """One decision of a log; `document` is its JSON object.

    Anyone can edit a log, so a member that is missing or has the wrong type reads as empty, and never raises.
    """

    document: Mapping[str, Any]

    @property
    def decision_id(self) -> str:
        """The whole id."""
        return str(self.document.get("decision_id"))

    @property
    def short_id(self) -> str:
        """The first 8 characters, enough to find it with `guardrails log --id`."""
        return self.decision_id[:8]

    @property
    def timestamp(self) -> str:
        """RFC 3339 in UTC; "" where it is missing."""
        return str(self.document.get("timestamp") or "")

    @property
    def when(self) -> str:
        """``2023-10-09 15:22:00``, in UTC."""
        return self.timestamp[:19].replace("T", " ") or "?"

    @property
    def input(self) -> Mapping[str, Any]:
        """The Rego input; without `schema` where no policy was asked."""
        return part(self.document, "input")

    @property
    def call(self) -> Mapping[str, Any]:
        """`input.call`."""
        return part(self.input, "call")

    @property
    def call_name(self) -> str:
        """``ec2:TerminateInstances``."""
        return f"{self.call.get('service')}:{self.call.get('operation')}"

    @property
    def region(self) -> str:
        """The region of the call; "" where it has none."""
        return str(self.call.get("region") or "")

    @property
    def targets(self) -> list[str]:
        """The ids that the call names."""
        targets = part(self.input, "targets")
        return [name for name in targets if part(targets, name).get("role") == "target"]

    @property
    def caller(self) -> Mapping[str, Any]:
        """`input.caller`."""
        return part(self.input, "caller")

    @property
    def program(self) -> str:
        """The caller's script; ``?`` where it is unknown."""
        return str(self.caller.get("program") or "?")

    @property
    def host(self) -> str:
        """The caller's host; "" where it is unknown."""
        return str(self.caller.get("host") or "")

    @property
    def person(self) -> str:
        """The caller's principal or, without one, OS user (``?`` where both are unknown), and who approved."""
        names = (self.document.get("requested_by"), self.caller.get("principal"), self.caller.get("os_user"))
        return ", approved by ".join((str(next(filter(None, names), "?")), *self.approvers))

    @property
    def approvers(self) -> list[str]:
        """Who approved the call, beside the person who made it."""
        given = self.input.get("approvals")
        return [str(one.get("name")) for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []

    @property
    def custom(self) -> Mapping[str, Any]:
        """What the guard adds to OPA's members."""
        return part(self.document, "custom")

    @property
    def action(self) -> str:
        """The verdict, before the mode: ``allow``, ``warn``, ``confirm`` or ``deny``."""
        return str(self.custom.get("action") or part(self.document, "result").get("action") or "?")

    @property
    def enforcement(self) -> str:
        """What was done: ``allow``, ``warn``, ``dryrun`` or ``deny``."""
        return str(self.custom.get("enforcement", "?"))

    @property
    def mode(self) -> str:
        """The mode at the time."""
        return str(self.custom.get("mode", "?"))

    @property
    def sent(self) -> bool:
        """Whether the call was sent; true where the log does not say."""
        return bool(self.custom.get("sent", True))

    @property
    def not_sent(self) -> str:
        """Why an allowed call was not sent after all; "" where it was, or was blocked."""
        return str(self.custom.get("not_sent") or "")

    @property
    def why(self) -> str:
        """Why the guard could not decide, or what it noted; "" for neither."""
        noted = self.custom.get("unavailable") or self.custom.get("reason")
        return str(noted or (f"not sent: {self.not_sent}" if self.not_sent else ""))

    @property
    def violations(self) -> list[Mapping[str, Any]]:
        """Those of the policies, then the guard's own."""
        lists = (part(self.document, "result").get("violations"), self.custom.get("violations"))
        return [item for items in lists if isinstance(items, list) for item in items if isinstance(item, Mapping)]

    def rules(self, *actions: str) -> list[str]:
        """The ids of violated rules, each once: those with one of `actions`, or all where none is given."""
        return sorted(
            {str(item.get("rule")) for item in self.violations if not actions or item.get("action") in actions}
        )

    @property
    def revision(self) -> str:
        """The policies' revision; ``?`` where it is missing."""
        return str(part(part(self.document, "bundles"), "guardrails").get("revision") or "?")


def parse(line: str | bytes) -> Entry | None:
    """The decision in a line; None where there is none."""
    try:
        document = json.loads(line)
        return Entry(whole(document)) if isinstance(document, dict) and "decision_id" in document else None
    except (ValueError, RecursionError):
        return None


def notes(every: Iterable[Path]) -> dict[str, str]:
    """Why calls were not sent, by decision."""
    found = {}
    # A pipe can be read once only.
    for file in (file for file in every if file.is_file()):
        with suppress(OSError, *DAMAGED), opened(file) as lines:
            for line in lines:
                entry = parse(line) if NOT_SENT.encode() in line else None
                if entry is not None and entry.document.get("type") == NOT_SENT:
                    found[entry.decision_id] = entry.not_sent
    return found


def _with_note(entry: Entry, not_sent: str | None) -> Entry:
    if not_sent is None:
        return entry
    return Entry({**entry.document, "custom": {**entry.custom, "sent": False, "not_sent": not_sent}})


def not_a_decision(place: str) -> str:
    """For a line, at ``file:line``, that is not a decision."""
    return f"{place}: not a decision; the line is left out"


def read(path: Path, keep: int = 0) -> Iterator[Entry | str]:
    """Every entry, oldest first, rotated files included. A line that is not a decision comes as a sentence about it.

    An allowed call that was not sent after all has `not_sent`. Raises ConfigError for a file that cannot be read.
    """
    every = files(path, keep)
    return read_files(every, notes(every))


def read_files(
    every: Iterable[Path], not_sent: Mapping[str, str], names: Mapping[Path, str] | None = None
) -> Iterator[Entry | str]:
    """As `read`, of these files; `not_sent` are the `notes` of all logs that are read together.

    `names` are what sentences call files that were downloaded. With them, of a damaged file what can be read is read;
    without them it is a ConfigError.
    """
    for file in every:
        name, position = (names or {}).get(file, str(file)), 0
        try:
            with opened(file) as lines:
                for position, line in enumerate(lines, 1):
                    entry = parse(line)
                    if entry is None:
                        yield not_a_decision(f"{name}:{position}")
                    elif entry.document.get("type") != NOT_SENT:
                        yield _with_note(entry, not_sent.get(entry.decision_id))
        except DAMAGED as error:
            if names is None:
                raise unreadable(file, error) from error
            yield f"{name}: damaged after line {position} ({error}); the rest of it is left out"
        except OSError as error:
            raise unreadable(file, error) from error

"""A saved plan: the file that `guardrails run --save` writes and `--approved` runs, sealed by its digest."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from guardrails.enforce.approvals.digest import canonical
from guardrails.errors import ConfigError
from guardrails.planning import entry
from guardrails.planning.plan import Plan
from guardrails.system.files import FOR_US
from guardrails.values import frozen, rfc3339

_SCHEMA = 1
AGAIN = "plan again: guardrails run --plan --save {path} …"


@frozen
class SavedPlan:
    """A plan with what it holds for: `account` and `region` are the caller's, `expires_at` is when it ends.

    `command` is the script with its arguments.
    """

    plan: Plan
    digest: str
    account: str
    region: str
    expires_at: float
    command: tuple[str, ...]
    path: Path

    @property
    def short(self) -> str:
        """The beginning of the digest, for people."""
        return self.digest[:8]

    @property
    def again(self) -> str:
        """How to make it anew."""
        return AGAIN.format(path=self.path)


def save(plan: Plan, path: Path, *, account: str, region: str, minutes: float, command: tuple[str, ...]) -> SavedPlan:
    """Write it, for its owner only. Raises OSError."""
    document = {
        **plan.document(),
        "caller": {"account": account, "region": region},
        "expires_at": plan.made_at + minutes * 60,
        "command": list(command),
    }
    digest = digest_of(document)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | FOR_US, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"digest": digest, "plan": document}, file, indent=2)
        file.write("\n")
    return _saved(document, digest, path)


def load(path: Path, now: float) -> SavedPlan:
    """The plan of a file, if it is as it was written and still counts at `now`. Raises ConfigError."""
    again = AGAIN.format(path=path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        document, digest = content["plan"], content["digest"]
        if document["schema"] != _SCHEMA:
            raise ConfigError(f"{path}: a plan of another version of guardrails (schema {document['schema']}); {again}")
        if digest_of(document) != digest:
            raise ConfigError(
                f"{path}: the plan was altered after it was made, so what it says was never shown; {again}"
            )
        saved = _saved(document, digest, path)
    except OSError as error:
        raise ConfigError(f"{path}: the plan cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a plan of `guardrails run --plan --save` ({type(error).__name__})") from error
    if now >= saved.expires_at:
        raise ConfigError(f"{path}: the plan expired at {rfc3339(saved.expires_at)[:19]}Z; {again}")
    return saved


def digest_of(document: dict[str, Any]) -> str:
    """What a plan is confirmed or approved by."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def _saved(document: dict[str, Any], digest: str, path: Path) -> SavedPlan:
    plan = Plan(
        tuple(entry.read(each) for each in document["calls"]),
        document["revision"],
        document["guess"],
        document["made_at"],
        document["mode"],
    )
    caller = document["caller"]
    command = tuple(document["command"])
    return SavedPlan(plan, digest, caller["account"], caller["region"], document["expires_at"], command, path)

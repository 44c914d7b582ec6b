"""What the check made of policies before, kept in a file, because the check takes a third of a start.

Only the very same policies and data find it again, with the same checker and engine. A policy that was not checked must
not get in this way, so the file counts only where no one but this user can have written it: it lies where the decision
log and the shared memory are by default (a cache folder may be restored from another machine's), and folder and file
belong to this user, who alone may write to them. Anything else about it, such as half a file, means that the policies
are checked again. Nothing fails where it cannot be written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from guardrails.config.places import state_home
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import compiled
from guardrails.evaluate.regorus import build

_CHECKER, _CALLER = Path(__file__).parent / "rego", Path(__file__).parent / "embedded.py"
# Some configurations, and some edits of each. A file has about 150 kB.
_MOST = 8


def checked_once(bundle: Bundle) -> Bundle:
    """As `embedded.compiled`, which is asked where this user has not had the bundle checked before."""
    try:
        key = _key(bundle)
    except OSError:
        # The checker's own source is not here: an image may hold compiled files only.
        return compiled(bundle)
    file = state_home() / "checked-policies" / f"{key}.json"
    modules = _read(file)
    if modules is not None:
        return evolve(bundle, modules=modules)
    made = compiled(bundle)
    with suppress(OSError):
        _write(file, made)
    return made


def _key(bundle: Bundle) -> str:
    """A digest of all that the result depends on."""
    checker = [path.read_bytes().hex() for path in (*sorted(_CHECKER.glob("*.py")), _CALLER)]
    everything = [build(), checker, sorted(bundle.modules.items()), bundle.data]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _read(file: Path) -> dict[str, str] | None:
    try:
        if not _is_ours(file.parent.stat()):
            return None
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, encoding="utf-8") as opened:
            if not _is_ours(os.fstat(descriptor)):
                return None
            digest, _, text = opened.read().partition("\n")
        if digest != _digest(text):
            return None
        modules: dict[str, str] = json.loads(text)
    except (OSError, ValueError):
        return None
    return modules


def _write(file: Path, made: Bundle) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_ours(file.parent.stat()):
        return
    text = json.dumps(dict(made.modules))
    new = file.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(f"{_digest(text)}\n{text}")
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    by_age = sorted(file.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[_MOST:]:
        old.unlink(missing_ok=True)


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""What the check made of policies before, kept in a file, because the check takes a third of a start.

Only the very same policies and data find it again, with the same checker and engine. A policy that was not checked must
not get in this way: see private_file.py. Any other file means that the policies are checked again. Nothing fails where
it cannot be written.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from guardrails.evaluate import private_file
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import compiled
from guardrails.evaluate.regorus import build

_CHECKER, _CALLER = Path(__file__).parent / "rego", Path(__file__).parent / "checked.py"
# Some configurations, and some edits of each. A file has about 150 kB.
_MOST = 8


def checked_once(bundle: Bundle) -> Bundle:
    """As `embedded.compiled`, which is asked where this user has not had the bundle checked before."""
    try:
        key = _key(bundle)
    except OSError:
        # The checker's own source is not here: an image may hold compiled files only.
        return compiled(bundle)
    file = private_file.folder("checked-policies") / f"{key}.json"
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
    text = private_file.read(file)
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def _write(file: Path, made: Bundle) -> None:
    private_file.write(file, json.dumps(dict(made.modules)).encode())
    by_age = sorted(file.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[_MOST:]:
        old.unlink(missing_ok=True)

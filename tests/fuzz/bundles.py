"""Bundles: damaged, with names that lead elsewhere, too large, or signed for other files: policies or one sentence."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import jwt

from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import bundle_file, signature
from guardrails.evaluate.bundle import of_contents
from tests.fuzz.area import Run
from tests.fuzz.config import unclear
from tests.fuzz.mutations import misshapen, mutated

_RULES = "package guardrails.main\n\ndecision := {}\n"
_NAMES = ("policy/x.rego", "../x.rego", "/etc/x.rego", "./policy/x.rego", "data.json", "a/data.json", "a/b/data.json",
          "data.json/data.json", "data.yaml", ".manifest", "x/.manifest", ".signatures.json", "", ".", "é🦆.rego",
         "a\nb.rego",          "x" * 300 + ".rego", "policy//x.rego", "a\\b.rego")  # fmt: skip
_SECRET = b"a secret that is long enough for an HMAC with SHA-256"
# A file of this size, which a small one unpacks to, is larger than any bundle.
_BOMB = bundle_file.LARGEST + 1_000_000


def fuzz(run: Run, most: int = 10**9, *, bombs: bool = True) -> None:
    """Files while there is time, `most` at most."""
    dice = random.Random(run.seed)
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        key.write_bytes(_SECRET)
        if bombs:
            _bombs(run, key)
        for _ in range(most):
            if not run.time_left:
                return
            _one(run, _file(dice, key), key)


def _bombs(run: Run, key: Path) -> None:
    for packed in (gzip.compress(bytes(_BOMB), 1), gzip.compress(_tar({"data.json": b" " * _BOMB}), 1)):
        if _one(run, packed, key) != "refused":
            run.found("a bundle of any size is read", f"{len(packed):,} bytes")


def _file(dice: random.Random, key: Path) -> bytes:
    data = misshapen(dice, {"guardrails": {"params": {"x": 1, "y": [1]}}, "a": {"b": 1}}, 0.15)
    files = bundle_file.parts([_RULES], data if isinstance(data, dict) else {}, "r")
    if dice.random() < 0.3:
        files[".manifest"] = json.dumps(misshapen(dice, {"revision": "r", "roots": ["a"]}, 0.3)).encode()
    if dice.random() < 0.5:
        with contextlib.suppress(PolicyError):
            files[bundle_file.SIGNATURES] = signature.sign(files, key, "HS256")
    for _ in range(dice.choice([0, 0, 1, 3])):
        name = dice.choice([*_NAMES, *files])
        files[name] = mutated(dice, files.get(name, b'{"a": 1}'))
    packed = _tar(files, dice)
    if dice.random() < 0.3:
        packed = mutated(dice, packed)
    whole = gzip.compress(packed)
    return mutated(dice, whole) if dice.random() < 0.3 else whole


def _tar(files: dict[str, bytes], dice: random.Random | None = None) -> bytes:
    """With links, devices and doubled names here and there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if dice is not None and dice.random() < 0.05:
                member.type = dice.choice([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
                member.linkname, member.size = "/etc/passwd", 0
            archive.addfile(member, io.BytesIO(content))
            if dice is not None and dice.random() < 0.03:
                archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _one(run: Run, packed: bytes, key: Path) -> str:
    """What became of it: refused or read."""
    run.counts["bundles"] += 1
    try:
        contents = bundle_file.unpacked("https://example.com/bundle.tar.gz", packed)
        # Nothing of what is signed may be missing, and nothing may be added.
        _verified(run, contents, key)
        of_contents(contents)
        run.counts["that load"] += 1
        return "read"
    except PolicyError as error:
        if problem := unclear(str(error)):
            run.found(f"{problem}: {str(error)[:60]!r}", repr(packed[:200]))
    except Exception as error:
        run.found(f"{type(error).__name__}: {str(error)[:60]}", repr(packed[:300]))
    return "refused"


def _verified(run: Run, contents: Any, key: Path) -> None:
    try:
        signature.verify(contents, key)
    except (PolicyError, ConfigError):
        return
    run.counts["with a valid signature"] += 1
    signed = {name: each for name, each in contents.files.items() if name != bundle_file.SIGNATURES}
    claimed = jwt.decode(json.loads(contents.files[bundle_file.SIGNATURES])["signatures"][0], _SECRET, ["HS256"])
    if {each["name"] for each in claimed["files"]} != set(signed):
        run.found("a signature of other files", str(sorted(signed)))

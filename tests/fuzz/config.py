"""Configuration: broken TOML, keys with values of any type, and keys that do not exist: settings or one sentence."""

from __future__ import annotations

import json
import random
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from guardrails.config.keys import KEYS as BY_NAME
from guardrails.config.load import load
from guardrails.errors import ConfigError
from tests.fuzz.area import Run
from tests.fuzz.mutations import ODD, mutated
from tests.support.environments import ROOT

_BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
_LONGEST = 1500
KEYS = list(BY_NAME.values())


def fuzz(run: Run, most: int = 10**9) -> None:
    """Files while there is time, `most` at most."""
    dice = random.Random(run.seed)
    texts = [
        text
        for page in sorted((ROOT / "guardrails" / "docs").glob("*.md"))
        for text in _BLOCK.findall(page.read_text())
    ]
    texts += [_assigned(key.path, key.example) for key in KEYS]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "guardrails.toml"
        for _ in range(most):
            if not run.time_left:
                return
            content = _file(dice, texts)
            file.write_bytes(content)
            _one(run, file, content, file)
            if dice.random() < 0.2:
                mapping = {".".join(dice.choice(KEYS).path): dice.choice(ODD) for _ in range(dice.randint(1, 3))}
                _one(run, mapping, json.dumps(mapping).encode(), file)


def _file(dice: random.Random, texts: list[str]) -> bytes:
    way = dice.random()
    if way < 0.4:
        return mutated(dice, dice.choice(texts).encode())
    if way < 0.5:
        return "\n".join(dice.choices(texts, k=2)).encode()
    keys = dice.sample(KEYS, dice.randint(1, 3))
    lines = [_assigned(key.path, _toml(dice, key.example)) for key in keys]
    if dice.random() < 0.2:
        lines.append(_assigned(_misspelt(dice, dice.choice(keys).path), "1"))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _assigned(path: tuple[str, ...], value: str) -> str:
    """A dotted key, so that lines of several tables can follow each other."""
    return f"{'.'.join(path)} = {value}"


def _misspelt(dice: random.Random, path: tuple[str, ...]) -> tuple[str, ...]:
    name = path[-1]
    at = dice.randrange(len(name))
    return (*path[:-1], name[:at] + dice.choice("_xé"[:2]) + name[at:], *(["more"] if dice.random() < 0.3 else []))


def _toml(dice: random.Random, example: str) -> str:
    """A value of another type, or one that is odd inside."""
    if dice.random() < 0.3:
        inside = tomllib.loads(f"v = {example}")["v"]
        other = dice.choice(ODD)
        value: Any = dict.fromkeys(inside, other) if isinstance(inside, dict) else [other]
        return _written(value)
    special = [
        "inf",
        "nan",
        "-0.0",
        "2023-10-09",
        "2023-10-09T15:22:00Z",
        "0x10",
        "1_000_000_000_000_000_000",
        "15:22:00",
    ]
    return dice.choice(special) if dice.random() < 0.3 else _written(dice.choice(ODD))


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return "[]" if value is None else json.dumps(value)


def _one(run: Run, config: Any, content: bytes, file: Path) -> None:
    run.counts["configurations"] += 1
    try:
        load(config, organisation=file.with_name("none.toml"), directory=file.parent)
        run.counts["that load"] += 1
    except ConfigError as error:
        if problem := unclear(str(error)):
            run.found(f"{problem}: {str(error)[:60]!r}", repr(content[:300]))
    except Exception as error:
        run.found(f"{type(error).__name__}: {str(error)[:60]}", repr(content[:300]))


def unclear(sentence: str) -> str:
    """What is wrong with a message for people; "" where nothing is."""
    if not sentence.strip():
        return "an empty message"
    if len(sentence) > _LONGEST:
        return "a message that no one reads to its end"
    return "a message with a traceback" if "Traceback" in sentence else ""

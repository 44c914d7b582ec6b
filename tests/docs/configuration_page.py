"""The configuration page and the schema for editors. ``python -m tests.docs.configuration_page`` writes both."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.config import schema
from guardrails.config.keys import KEYS, TABLES, Key
from guardrails.config.locks import WITH_LOCKED_MODE
from guardrails.evaluate import bundle, policy_params
from tests.support.environments import ROOT

PAGE = ROOT / "guardrails" / "docs" / "configuration.md"
SCHEMA = ROOT / "guardrails" / "config" / "guardrails.schema.json"

TOP = """\
# Configuration

<!-- Written by python -m tests.docs.configuration_page, from guardrails/config/keys.py and policies/schemas. -->

The guard works without any configuration. To change something, put a file `guardrails.toml` in the working directory or
in a folder above it. There, `[tool.guardrails]` in `pyproject.toml` works too. The environment variable
`GUARDRAILS_CONFIG` names another file, and `guardrails.install()` takes a path or a mapping with the same keys.

```toml
#:schema guardrails.schema.json
mode = "enforce"
cluster_tag = "Cluster"

[live]
sources = ["eip", "tag"]
tag = { key = "Live", value = "true" }

[enforcement]
"network/route-table" = "warn"

[params]
untagged = "deny"
remaining.clusters.workers = { min_running = 3, max_share = 0.25 }
```

Relative paths start from the folder of the file. An unknown key, or a value that a key cannot have, is an error with
file and line. `guardrails doctor` shows which keys are set, and where.

An organisation's file, `/etc/guardrails/guardrails.toml`, applies to all processes of the host. Local files override
it, except for the keys and tables that it lists in `locked = ["mode", "live"]`; `params` and `enforcement` are merged
name by name. A lock covers every local file, mapping and `Settings` object, and a file that `GUARDRAILS_CONFIG` names.

A lock on `mode` also covers what would weaken it by another key: rules of the organisation and the shipped ones keep at
least their level, their parameters and their policies, and the state stays on. Stricter values, your own rules and your
own policies are fine. For each key below, "with `mode` locked" says what holds. Break glass works as before, up to
`break_glass.max_minutes`.

A configuration that was found in the working directory or above it, not named, and that other users of the host may
write, is reported at install and by `guardrails doctor`.

Running processes take over changes to `policies`, `params` and `enforcement` within seconds. Other keys apply to new
processes only. Deleting one policy file is such a change. When a whole folder of policies or every key is gone, or a
folder cannot be read, the policies before stay in force, and the log and `guardrails doctor` say so.

## Completion and checks in editors

[Taplo](https://taplo.tamasfe.dev) and the VS Code extension Even Better TOML complete and check the keys when the first
line of `guardrails.toml` names their schema: `#:schema` and the path that this command prints, or that of a copy in
your project.

```bash
python -c "import guardrails.config; print(guardrails.config.__path__[0] + '/guardrails.schema.json')"
```

## Keys

`live.sources` is written as `sources` under `[live]`. The last line of each key is where the program reads it: an
attribute of `guardrails.config.settings.Settings`.
"""

PARAMETERS = """
## Policy parameters

They are set under `[params]`. Your own policies declare more in a `data.json`; such a parameter takes values of the
same type as its default.

"""


def as_toml(value: Any) -> str:
    """A default as TOML writes it."""
    if value is None:
        return "not set"
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(json.dumps(item) for item in value)}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{json.dumps(value)}`"


def parameters() -> Mapping[str, Any]:
    """The schema of the parameters under [params], without references, each with its default."""
    document = policy_params.schema()
    defaults = bundle.params_of(bundle.read([bundle.shipped()]))
    named = {
        name: _resolved(inner, document, defaults[name])
        for name, inner in document["properties"].items()
        if not inner.get("description", "").startswith("Set by the configuration key")
    }
    return {"type": "object", "properties": named}


def _resolved(part: Mapping[str, Any], document: Mapping[str, Any], default: Any) -> dict[str, Any]:
    part = dict(schema.resolve(part, document))
    named = part.get("properties")
    if named:
        inner = default if isinstance(default, Mapping) else {}
        part["properties"] = {name: _resolved(value, document, inner.get(name)) for name, value in named.items()}
    elif default is not None:
        part["default"] = default
    if isinstance(part.get("additionalProperties"), Mapping):
        part["additionalProperties"] = _resolved(part["additionalProperties"], document, None)
    return part


def _leaves(part: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for step, inner in part["properties"].items():
        path = f"{name}.{step}" if name else step
        if "properties" in inner:
            yield from _leaves(inner, path)
        else:
            yield path, inner


def _entry(key: Key) -> str:
    default = key.default_words or as_toml(key.default)
    limit = WITH_LOCKED_MODE[key.name].words
    return (
        f"- **`{key.name}`**: {key.description}\n"
        f"  - type: {key.kind.words}\n"
        f"  - default: {default}\n"
        f"  - example: `{key.path[-1]} = {key.example}`\n"
        f"{f'  - {limit}{chr(10)}' if limit else ''}"
        f"  - read as `settings.{key.name}`\n"
    )


def page() -> str:
    """The whole page."""
    lines = [TOP]
    for table in ("", *TABLES):
        lines.append(f"\n### {f'`[{table}]`' if table else 'At the top'}\n\n")
        lines += [_entry(key) for key in KEYS.values() if key.path[:-1] == ((table,) if table else ())]
    lines.append(PARAMETERS)
    for name, inner in _leaves(parameters()):
        default = as_toml(inner["default"])
        lines.append(f"- **`{name}`**: {inner['description']}.\n")
        lines.append(f"  - type: {schema.words(inner)}\n  - default: {default}\n")
    return "".join(lines)


def editor_schema() -> dict[str, Any]:
    """The JSON Schema of guardrails.toml."""
    top: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "guardrails.toml, the configuration of botocore-guardrails",
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    for key in KEYS.values():
        table = top["properties"]
        for step in key.path[:-1]:
            new = {"type": "object", "properties": {}, "additionalProperties": False}
            table = table.setdefault(step, new)["properties"]
        example = tomllib.loads(f"x = {key.example}")["x"]
        table[key.path[-1]] = {"description": key.description, **key.kind.schema, "examples": [example]}
        if key.default is not None and not key.default_words:
            table[key.path[-1]]["default"] = key.default
    top["properties"]["params"].update(parameters())
    top["properties"]["locked"] = {
        "description": "Only in the organisation's file: the keys that local files cannot change.",
        "type": "array",
        "items": {"enum": list(KEYS)},
    }
    return top


def files() -> dict[Path, str]:
    """What should be in the files."""
    return {PAGE: page(), SCHEMA: json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"}


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text, "utf-8")

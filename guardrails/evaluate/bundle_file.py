"""Bundles as OPA's tarballs (https://www.openpolicyagent.org/docs/management-bundles): what `policy build` writes."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import PolicyError

_SUFFIX = ".tar.gz"
# No bundle of policies is larger; a file that unpacks to more is none.
_LARGEST = 100_000_000


def is_bundle(path: Path) -> bool:
    """True for a file that is named as one."""
    return path.name.endswith(_SUFFIX)


def write(path: Path, modules: Iterable[str], data: Mapping[str, Any], revision: str) -> None:
    """Write a bundle that `opa run --bundle` loads. The same policies and data give the same bytes. Raises OSError."""
    manifest = {"revision": revision, "roots": sorted(data), "rego_version": 1}
    files = {".manifest": json.dumps(manifest, sort_keys=True), "data.json": json.dumps(data, sort_keys=True)}
    # By number: the modules' own names are paths of this machine.
    files |= {f"policy/{number:03}.rego": text for number, text in enumerate(sorted(modules))}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def read(path: Path) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Modules by ``bundle.tar.gz/policy/000.rego``, and the data. Raises PolicyError."""
    modules: dict[str, str] = {}
    data: dict[str, Any] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                if member.size > _LARGEST:
                    raise PolicyError(f"{path}/{member.name}: has {member.size:,} bytes, more than {_LARGEST:,}")
                file = archive.extractfile(member)
                text = file.read().decode("utf-8") if file is not None else ""
                name = member.name.removeprefix("./").removeprefix("/")
                if name.endswith(".rego"):
                    modules[f"{path}/{name}"] = text
                elif name == "data.json":
                    data = json.loads(text)
    except (OSError, tarfile.TarError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise PolicyError(f"{path}: is no bundle ({error}); build one with guardrails policy build") from error
    return modules, data

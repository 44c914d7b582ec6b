"""Bundles in OPA's format (https://www.openpolicyagent.org/docs/management-bundles): a tarball or a folder.

A folder is a bundle if it has a .manifest; `guardrails policy build` writes tarballs. A bundle holds all policies; the
shipped ones are not added to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from guardrails.errors import PolicyError
from guardrails.system import reading
from guardrails.values import frozen

_SUFFIX = ".tar.gz"
MANIFEST = ".manifest"
SIGNATURES = ".signatures.json"
# Bytes. No bundle of policies is larger; a file that unpacks to more is not one.
LARGEST = 100_000_000
# Of one policy or data.json. A dump that got there would take ten times its size in memory.
LARGEST_FILE = 10_000_000
# Policies in a bundle. Parsing takes about 2 ms each, at every install.
_MOST = 1_000


@frozen
class Contents:
    """The bytes of the bundle's files by name, read once, so that what is verified is what is used."""

    path: Path | str
    files: Mapping[str, bytes]

    def modules(self) -> dict[str, str]:
        """Every policy, by a name like ``bundle.tar.gz/policy/000.rego``. Raises PolicyError."""
        return {f"{self.path}/{name}": self._text(name) for name in self.files if _is_policy(name)}

    def data(self) -> dict[str, Any]:
        """Every data.json in one document, each at the path of its folder. Raises PolicyError."""
        document: dict[str, Any] = {}
        for name in sorted(self.files, key=lambda name: (name.count("/"), name)):
            path = PurePosixPath(name)
            if path.name in ("data.yaml", "data.yml"):
                raise PolicyError(f"{self.path}/{name}: only JSON data is read; write it as data.json")
            if path.name == "data.json":
                here = document
                for part in path.parent.parts:
                    here = here.setdefault(part, {})
                    if not isinstance(here, dict):
                        raise PolicyError(f"{self.path}/{name}: another data.json gives `{part}` a value; rename one")
                here.update(self._json(name))
        return document

    def revision(self) -> str:
        """The revision in the manifest; "" where there is none. Raises PolicyError."""
        return str(self._json(MANIFEST).get("revision") or "") if MANIFEST in self.files else ""

    def _text(self, name: str) -> str:
        _check_size(f"{self.path}/{name}", len(self.files[name]), LARGEST_FILE)
        try:
            return reading.decoded(self.files[name])
        except UnicodeDecodeError as error:
            raise PolicyError(f"{self.path}/{name}: is not UTF-8 text ({error})") from error

    def _json(self, name: str) -> dict[str, Any]:
        try:
            document = json.loads(self._text(name))
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{self.path}/{name}: is not valid JSON ({error})") from error
        if not isinstance(document, dict):
            raise PolicyError(f"{self.path}/{name}: must hold a JSON object")
        return document


def is_bundle(path: Path) -> bool:
    """True for a file named *.tar.gz and for a folder with a .manifest."""
    return path.name.endswith(_SUFFIX) or (path / MANIFEST).is_file()


def parts(modules: Iterable[str], data: Mapping[str, Any], revision: str) -> dict[str, bytes]:
    """The bytes of a bundle's files by name; the same policies and data give the same bytes."""
    manifest = {"revision": revision, "roots": sorted(data), "rego_version": 1}
    files = {MANIFEST: json.dumps(manifest, sort_keys=True), "data.json": json.dumps(data, sort_keys=True)}
    # Numbered: the modules' own names are paths of this machine.
    files |= {f"policy/{number:03}.rego": text for number, text in enumerate(sorted(modules))}
    return {name: text.encode() for name, text in files.items()}


def write(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle that `opa run --bundle` loads. Raises OSError."""
    from guardrails.evaluate import tarball  # noqa: PLC0415  (only to write one)

    path.write_bytes(tarball.pack(files))


def read(path: Path) -> Contents:
    """The files of a tarball or folder. Raises PolicyError."""
    return _contents(path, lambda: _in_folder(path) if path.is_dir() else _in_tarball(path, reading.content(path)))


def unpacked(name: str, packed: bytes) -> Contents:
    """The files of a tarball that came from `name`. Raises PolicyError."""
    return _contents(name, lambda: _in_tarball(name, packed))


def _contents(place: Path | str, members: Callable[[], Iterator[tuple[str, bytes]]]) -> Contents:
    try:
        return Contents(place, _limited(place, members()))
    except OSError as error:
        raise PolicyError(f"{place}: is not a bundle ({error}); build one with guardrails policy build") from error


def check_number(place: Path | str, policies: int) -> None:
    """Raise PolicyError where there are more policies than anyone writes, before they are parsed."""
    if policies > _MOST:
        raise PolicyError(f"{place}: has {policies:,} policies, more than the {_MOST:,} allowed; name another one")


def _limited(path: Path | str, members: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    """The members, up to the limits of number and size."""
    files: dict[str, bytes] = {}
    size = policies = 0
    for name, content in members:
        files[name] = content
        size, policies = size + len(content), policies + _is_policy(name)
        _check_size(path, size)
        check_number(path, policies)
    return files


def _in_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.is_file() and (file.name in (MANIFEST, SIGNATURES) or not file.name.startswith(".")):
            _check_size(file, file.stat().st_size)
            yield file.relative_to(path).as_posix(), file.read_bytes()


def _in_tarball(path: Path | str, packed: bytes) -> Iterator[tuple[str, bytes]]:
    from guardrails.evaluate import tarball  # noqa: PLC0415  (only for a bundle in a tarball)

    return tarball.members(path, packed, LARGEST, _check_size)


def _check_size(name: Path | str, size: int, most: int | None = None) -> None:
    most = most or LARGEST
    if size > most:
        raise PolicyError(f"{name}: has {size:,} bytes, more than the {most:,} allowed")


def is_read(name: str) -> bool:
    """Whether a file of this name is a policy, a test of one, or data.

    Editors and file servers put hidden files beside those: Emacs the lock .#a.rego, macOS ._a.rego.
    """
    return name == "data.json" or (name.endswith(".rego") and not name.startswith("."))


def _is_policy(name: str) -> bool:
    return name.endswith(".rego") and not name.endswith("_test.rego") and is_read(PurePosixPath(name).name)

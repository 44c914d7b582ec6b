"""What can be compared: folders of policies, bundle files, configurations, and each of them in a revision of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import asdict, evolve

from guardrails import assembly
from guardrails.cli import own_policies
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle, bundle_file
from guardrails.policy.compare.situations import Document
from guardrails.policy.compare.verdicts import PolicySet
from guardrails.policy.replay.log_chunks import chunks
from guardrails.record.entries import parse

_GIT = "git:"
_MAIN = Path("guardrails", "main", "main.rego")
_FORMS = "name a folder, a bundle (.tar.gz), a guardrails.toml, or git:REVISION:PATH of one"


def read(name: str) -> PolicySet:
    """The policies that `name` stands for. Raises ConfigError or PolicyError.

    A folder with all policies is taken alone, another one with the shipped policies. A configuration brings its
    parameters and its mode.
    """
    if not name.startswith(_GIT):
        return _at(Path(name), name)
    revision, separator, path = name.removeprefix(_GIT).partition(":")
    if not separator or not revision or revision.startswith("-"):
        raise ConfigError(f"{name}: is not git:REVISION:PATH; {_FORMS}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        _check_out(revision, root, name)
        place = root / path
        if not place.resolve().is_relative_to(root):
            raise ConfigError(f"{name}: {path} leads out of the revision; {_FORMS}")
        made = _at(place, name)
        modules = {file.replace(str(root), f"{_GIT}{revision}"): text for file, text in made.bundle.modules.items()}
        return evolve(made, bundle=evolve(made.bundle, modules=modules))


def in_repository(file: str, name: str) -> str:
    """The path from the top of the repository of a file of the policies `name`, or of `name` itself."""
    if name.startswith(_GIT):
        revision, _, path = name.removeprefix(_GIT).partition(":")
        return path if file == name else file.removeprefix(f"{_GIT}{revision}/")
    whole = Path(file).resolve()
    top = next((folder for folder in whole.parents if (folder / ".git").exists()), None)
    return own_policies.short_path(file) if top is None else whole.relative_to(top).as_posix()


def _at(path: Path, name: str) -> PolicySet:
    if not path.exists():
        raise ConfigError(f"{name}: does not exist; {_FORMS}")
    if path.suffix == ".toml":
        settings = load(path)
        return PolicySet(name, assembly.policies(settings), settings.mode)
    if bundle_file.is_bundle(path):
        return PolicySet(name, bundle.unpack(path))
    if not path.is_dir():
        raise ConfigError(f"{name}: cannot be compared; {_FORMS}")
    whole = (path / _MAIN).is_file()
    return PolicySet(name, bundle.read((path,) if whole else (bundle.shipped(), path)))


def _check_out(revision: str, folder: Path, name: str) -> None:
    """Unpack the files of a revision of the repository that the working directory is in."""
    try:
        top = _git("rev-parse", "--show-toplevel").decode().strip()
        packed = _git("-C", top, "archive", "--format=tar", revision)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.0 to 3.11.3 have none.
            archive.extractall(folder)  # noqa: S202  (git holds no path that leads out of the tree)
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise ConfigError(f"{name}: git does not give this revision ({why})") from error
    except (OSError, tarfile.TarError) as error:
        raise ConfigError(f"{name}: git does not give this revision ({error})") from error


def _git(*arguments: str) -> bytes:
    done = subprocess.run(  # noqa: S603  (the git on PATH, without a shell)
        ["git", *arguments],  # noqa: S607
        capture_output=True,
        check=True,
        timeout=120,
    )
    return done.stdout


# What a comparison of two configurations is about, and what only says where something is.
_COMPARED = frozenset(("policies", "params", "enforcement", "mode"))
_PLACES = frozenset(("file", "organisation", "found_upward", "where", "where_inside"))


def other_settings(old: str, new: str) -> list[str]:
    """The settings in which two configurations differ and that are no part of their policies; none for other names."""
    if not (old.endswith(".toml") and new.endswith(".toml") and Path(old).is_file() and Path(new).is_file()):
        return []
    both = [asdict(load(Path(name)), recurse=False) for name in (old, new)]
    return sorted(name for name in both[0].keys() - _COMPARED - _PLACES if both[0][name] != both[1][name])


def recorded(files: Iterable[Path]) -> Iterator[Document]:
    """The inputs in decision logs that policies decided on. Raises ConfigError where one cannot be read."""
    for chunk in chunks(files):
        for line in chunk.lines:
            entry = parse(line) if line.strip() else None
            if entry is not None and "schema" in entry.input:
                yield dict(entry.input)

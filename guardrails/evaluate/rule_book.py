"""The policies that a configuration names: the shipped ones with its folders, or its bundles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from guardrails.config.policy_settings import RemoteBundle
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import bundle, bundle_file, configured, own_rules
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.remote.sources import Read
from guardrails.evaluate.united import unite


def read(settings: Settings, fetched: Read) -> Bundle:
    """The policies as they are named; `fetched` returns a remote bundle. Raises PolicyError or ConfigError."""
    for number, source in enumerate(settings.policies):
        if isinstance(source, Path) and not source.exists():
            raise PolicyError(
                f"{settings.at('policies', number)}: `policies` names {source}, which does not exist; correct it or "
                "take it out"
            )
    folders, packed = local_folders(settings), [source for source in settings.policies if _is_packed(source)]
    if packed:
        check_signed(settings)
        bundles = [_unpacked(source, settings, fetched) for source in packed]
        made = unite(bundles, [*map(str, packed)], folders)
    elif settings.policy_key is not None:
        raise ConfigError(
            f"{settings.at('policy_key')}: `policy_key` needs a signed bundle, and `policies` names none; put a "
            "bundle made by `guardrails policy build --signing-key` into `policies`"
        )
    else:
        made = bundle.read((bundle.shipped(), *folders))
    configured.check_declared(settings, bundle.params_of(made))
    own_rules.check(made, folders)
    return made


def check_signed(settings: Settings) -> None:
    """Raise ConfigError where bundles would be fetched whose signature is not checked, and nothing allows that."""
    if settings.remote_bundles and settings.policy_key is None and not settings.bundle.allow_unsigned:
        raise ConfigError(
            f"{settings.at('policies')}: the bundle {settings.remote_bundles[0]} is fetched, and without a key its "
            "signature cannot be checked; name the key in `policy_key`, or set bundle.allow_unsigned = true"
        )


def local_folders(settings: Settings) -> list[Path]:
    """The folders of `policies` that are no bundles."""
    return [path for path in settings.local_policies if not bundle_file.is_bundle(path)]


def files(settings: Settings) -> Iterator[Path]:
    """The files whose edits change the policies or their parameters."""
    if settings.file is not None:
        yield settings.file
    if settings.organisation is not None:
        yield settings.organisation
    for folder in (bundle.shipped(), *settings.local_policies):
        if not os.path.isdir(folder):
            yield folder
        elif bundle_file.is_bundle(folder):
            yield from (path for path in folder.rglob("*") if path.is_file())
        else:
            try:
                yield from bundle.policy_files(folder)
            except PolicyError:
                # Its files are lost; loading it again says why.
                yield folder


def _is_packed(source: Path | RemoteBundle) -> bool:
    return isinstance(source, RemoteBundle) or bundle_file.is_bundle(source)


def _unpacked(source: Path | RemoteBundle, settings: Settings, fetched: Read) -> Bundle:
    if isinstance(source, RemoteBundle):
        return bundle.of_contents(fetched(source))
    return bundle.unpack(source, settings.policy_key)

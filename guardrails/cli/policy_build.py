"""``guardrails policy build``: the policies and parameters of a configuration as one bundle."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails import assembly
from guardrails.cli.options import config_option
from guardrails.cli.output_file import writing
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle_file, signature


@click.command()
@config_option
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("bundle.tar.gz"), show_default=True,
              help="The file to write.")  # fmt: skip
@click.option("--revision", help="The bundle's revision; default: a digest of its files.")
@click.option("--signing-key", type=click.Path(path_type=Path), help="Sign with this private key (PEM) or secret.")
@click.option("--signing-alg", help="The algorithm; default: the one that fits the key.")
def build(
    config: str | None, output: Path, revision: str | None, signing_key: Path | None, signing_alg: str | None
) -> None:
    """Build a bundle of policies and parameters.

    Start an OPA server with it (`opa run --server --bundle FILE`), or name it in `policies`. A signed bundle is
    verified by `policy_key` in the configuration, and by `opa run --verification-key`. Signing algorithms: RS256,
    ES256, ES384, ES512, HS256.
    """
    bundle = assembly.policies(load(config))
    # A bundle that does not load should not be built.
    assembly.embedded(bundle)
    files = bundle_file.parts(bundle.modules.values(), bundle.data, revision or bundle.revision)
    if signing_key is not None:
        files[bundle_file.SIGNATURES] = signature.sign(files, signing_key, signing_alg)
    elif signing_alg is not None:
        raise ConfigError("--signing-alg needs a --signing-key; add one")
    with writing(output, "name another file with -o"):
        bundle_file.write(output, files)
    signed = f", signed with {signing_key}" if signing_key else ""
    click.echo(f"{output}: {len(bundle.modules)} policies, revision {revision or bundle.revision}{signed}")

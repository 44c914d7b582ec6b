"""``guardrails policy build``: the policies and parameters of this configuration as one bundle."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails import assembly
from guardrails.cli.written import writing
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle_file, signature


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("bundle.tar.gz"), show_default=True)
@click.option("--revision", help="What the bundle is called; by default a digest of what is in it.")
@click.option("--signing-key", type=click.Path(path_type=Path), help="Sign with this private key (PEM) or secret.")
@click.option("--signing-alg", help="The algorithm: by default RS256, ES256, ES384, ES512 or HS256, as the key is.")
@click.pass_obj
def build(
    config: str | None, output: Path, revision: str | None, signing_key: Path | None, signing_alg: str | None
) -> None:
    """Build a bundle of the policies and parameters of this configuration, for `opa run --server --bundle FILE`.

    A signed one is verified by `policy_key` in the configuration, and by `opa run --verification-key`.
    """
    made = assembly.policies(load(config))
    assembly.embedded(made)
    files = bundle_file.parts(made.modules.values(), made.data, revision or made.revision)
    if signing_key is not None:
        files[bundle_file.SIGNATURES] = signature.sign(files, signing_key, signing_alg)
    elif signing_alg is not None:
        raise ConfigError("--signing-alg says how to sign, and there is no --signing-key; give one")
    with writing(output, "name another file with -o"):
        bundle_file.write(output, files)
    signed = f", signed with {signing_key}" if signing_key else ""
    click.echo(f"{output}: {len(made.modules)} policies, revision {revision or made.revision}{signed}")

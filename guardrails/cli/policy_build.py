"""``guardrails policy build``: the policies and parameters of this configuration as one bundle."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails import assembly
from guardrails.config import load
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle_file


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("bundle.tar.gz"), show_default=True)
@click.pass_obj
def build(config: str | None, output: Path) -> None:
    """Build a bundle of the policies and parameters of this configuration, for `opa run --server --bundle FILE`."""
    made = assembly.policies(load(config))
    assembly.embedded(made)
    try:
        bundle_file.write(output, made.modules.values(), made.data, made.revision)
    except OSError as error:
        raise ConfigError(f"{output} cannot be written ({error.strerror}); name another file with -o") from error
    click.echo(f"{output}: {len(made.modules)} policies, revision {made.revision}")

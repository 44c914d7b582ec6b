"""``guardrails policy docs``: the rule book of these policies."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails import assembly
from guardrails.cli.options import config_option
from guardrails.cli.output_file import writing
from guardrails.config.load import load
from guardrails.policy.docs import chapters, pages


@click.command("docs")
@config_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .html or .md file; default: print it.")
@click.option(
    "--format", "style", type=click.Choice(["markdown", "html"]), help="Default: as the name of the file says."
)
def docs(config: str | None, output: Path | None, style: str | None) -> None:
    """Write the rule book of these policies.

    It shows for each rule what it stops, the incident behind it, a call to avoid and one to prefer, and its parameters.
    The rules and parameters are those of this configuration, the shipped ones and your own.
    """
    made = assembly.policies(load(config))
    rules = chapters.chapters(made)
    if style is None:
        style = "html" if output is not None and output.suffix in (".html", ".htm") else "markdown"
    text = (pages.html if style == "html" else pages.markdown)(rules, made.revision)
    if output is None:
        click.echo(text, nl=False)
        return
    with writing(output, "name another file with -o"):
        output.write_text(text, "utf-8")
    click.echo(f"{output}: {len(rules)} rules, revision {made.revision}")

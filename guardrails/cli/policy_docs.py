"""``guardrails policy docs``: the rule book of these policies."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails import assembly
from guardrails.cli.written import writing
from guardrails.config.load import load
from guardrails.policy.docs import chapters, pages


@click.command("docs")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file, .html or .md; else it is printed.")
@click.option("--format", "style", type=click.Choice(["markdown", "html"]), help="By default as the file's name says.")
@click.pass_obj
def docs(config: str | None, output: Path | None, style: str | None) -> None:
    """Write the rule book: per rule what it stops, the incident, an avoided and a preferred call, its parameters.

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

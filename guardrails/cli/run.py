"""``guardrails run``: run somebody's script, module or program under the guard, and whatever Python it starts."""

from __future__ import annotations

import os
import sys

import click

from guardrails import assembly
from guardrails.activation import descendants
from guardrails.cli import program
from guardrails.config.load import load


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option("-m", "module", is_flag=True, help="SCRIPT is a module's name.")
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(config: str | None, module: bool, script: str, args: tuple[str, ...]) -> None:
    """Run SCRIPT with ARGS under the guard, and every Python process that it starts.

    SCRIPT is a Python file, or a program on PATH such as aws. A blocked call that it does not catch ends it with exit
    code 3.
    """
    found = None if module else program.find(script)
    # Made and dropped: a mistake in the configuration or a policy is found before anything runs.
    settings = load(config)
    assembly.engine(settings)
    assembly.open_log(settings)
    environment = descendants.environment(os.environ, config)
    if found is None:
        command = [*_OURS, "module", script]
    elif found.here:
        command = [*_OURS, "script", str(found.path)]
    else:
        # Its own Python guards itself; a shell script's children do.
        command = [str(found.path)]
    sys.stdout.flush()
    # In place of this process, which has botocore and more in it that the script did not import.
    os.execve(command[0], [*command, *args], environment)  # noqa: S606  (no shell is wanted)


_OURS = [sys.executable, "-m", "guardrails.activation.main"]

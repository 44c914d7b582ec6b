"""``guardrails run``: runs a script, module or program under the guard, and every Python process it starts."""

from __future__ import annotations

import os
import sys

import click

from guardrails import assembly
from guardrails.activation import descendants
from guardrails.activation.uncaught import PROCESS
from guardrails.cli import program
from guardrails.cli.options import config_option
from guardrails.config.load import load


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@config_option
@click.option("-m", "module", is_flag=True, help="SCRIPT is the name of a module.")
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(config: str | None, module: bool, script: str, args: tuple[str, ...]) -> None:
    """Run a script and all its Python child processes guarded.

    SCRIPT is a Python file, or a program on PATH such as aws or python. The exit code is that of the script; a blocked
    call that it does not catch ends it with exit code 3.
    """
    target = None if module else program.find(script)
    if target is not None:
        program.check_options(target, args)
    # Built and thrown away, so that a mistake in the configuration or a policy shows before anything runs.
    settings = load(config)
    assembly.engine(settings)
    assembly.open_log(settings)
    environment = descendants.environment(os.environ, config)
    if target is None:
        command = [*_OURS, "module", script]
    elif target.here:
        command = [*_OURS, "script", str(target.path)]
    else:
        # Its own Python installs the guard, or the Python processes that a shell script starts do.
        command = [str(target.path)]
        environment[PROCESS] = str(os.getpid())
    sys.stdout.flush()
    # Replaces this process, which has imported botocore and other modules that the script did not.
    os.execve(command[0], [*command, *args], environment)  # noqa: S606  (no shell is wanted)


_OURS = [sys.executable, "-m", "guardrails.activation.main"]

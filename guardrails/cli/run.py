"""``guardrails run``: runs a script, module or program under the guard, and every Python process it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from guardrails import assembly
from guardrails.activation import descendants, output
from guardrails.activation.uncaught import PROCESS
from guardrails.cli import program
from guardrails.cli.options import Number, config_option
from guardrails.config.exposure import exposed
from guardrails.config.load import load

_EXIT_CODES = """\b
Exit codes with --plan:
  0  every call may be sent, some perhaps after a confirmation
  1  the script failed, so the plan ends there
  3  a call is denied, or needs a second person's approval
  4  no call is denied, but a part of the plan is a guess
"""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, epilog=_EXIT_CODES)
@config_option
@click.option("-m", "module", is_flag=True, help="SCRIPT is the name of a module.")
@click.option("--plan", is_flag=True, help="Send only reads, and show what the other calls would do.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="With --plan: keep it in this file.")
@click.option(
    "--minutes",
    type=Number(1, 7 * 1440),
    default=60,
    show_default=True,
    help="With --save: minutes until it expires.",
)
@click.option("--stop", is_flag=True, help="With --plan: raise a denial in the script, instead of going on.")
@click.option("--permissions", is_flag=True, help="With --plan: ask AWS with DryRun whether EC2's calls are permitted.")
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["pretty", "json", "html"]),
    default="pretty",
    show_default=True,
    help="With --plan: for people, for programs, or as a page.",
)
@click.option("--approved", type=click.Path(dir_okay=False, path_type=Path), help="Run what this saved plan has.")
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(config: str | None, module: bool, script: str, args: tuple[str, ...], **options: Any) -> None:
    """Run a script and all its Python child processes guarded.

    SCRIPT is a Python file, or a program on PATH such as aws or python. The exit code is that of the script; a blocked
    call that it does not catch ends it with exit code 3.

    With --plan nothing is changed. With --approved every call that the plan does not have is stopped before it is sent.
    """
    _check(options)
    target = None if module else program.find(script)
    if target is not None:
        program.check_options(target, args)
    # Built and thrown away, so that a mistake in the configuration or a policy shows before anything runs.
    settings = load(config)
    revision = assembly.engine(settings).revision
    assembly.open_log(settings)
    if warning := exposed(settings):
        # The script gets the file by name, and would not warn of it.
        click.echo(f"guardrails: {warning}", err=True)
    environment = descendants.environment(os.environ, settings.file)
    if target is None:
        command = [*_OURS, "module", script]
    elif target.here:
        command = [*_OURS, "script", str(target.path)]
    else:
        # Its own Python installs the guard, or the Python processes that a shell script starts do.
        command = [str(target.path)]
        environment[PROCESS] = str(os.getpid())
    if options["plan"] or options["approved"]:
        from guardrails.cli import run_plan  # noqa: PLC0415  (only a plan needs it)

        environment.pop(PROCESS, None)
        if options["plan"]:
            wanted = run_plan.Wanted(*(options[name] for name in ("fmt", "save", "minutes", "stop", "permissions")))
            sys.exit(run_plan.make(settings, revision, [*command, *args], environment, wanted))
        environment |= run_plan.approved(settings, revision, options["approved"])
        environment[PROCESS] = str(os.getpid())
    output.flush()
    # Replaces this process, which has imported botocore and other modules that the script did not.
    os.execve(command[0], [*command, *args], environment)  # noqa: S606  (no shell is wanted)


def _check(options: Mapping[str, Any]) -> None:
    if options["plan"] and options["approved"]:
        raise click.UsageError("--plan and --approved exclude each other: make a plan first, then run it")
    for name in ("save", "stop", "permissions"):
        if options[name] and not options["plan"]:
            raise click.UsageError(f"--{name} goes with --plan")


_OURS = [sys.executable, "-m", "guardrails.activation.main"]

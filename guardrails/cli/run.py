"""``guardrails run``: run somebody's script or module under the guard, without touching it."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path

import click

from guardrails.errors import CallDenied, ConfigError
from guardrails.installed import install


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option("-m", "module", is_flag=True, help="SCRIPT is a module's name.")
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(config: str | None, module: bool, script: str, args: tuple[str, ...]) -> None:
    """Run SCRIPT with ARGS under the guard. A blocked call that the script does not catch ends it with exit code 3."""
    if not module and not Path(script).is_file():
        raise ConfigError(f"{script}: no such script; give the path of a Python file, or -m and a module's name")
    install(config)
    sys.argv = [script, *args]
    try:
        if module:
            sys.path.insert(0, "")
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            # As `python SCRIPT` does: the script's folder is where it finds its own modules.
            sys.path.insert(0, str(Path(script).resolve().parent))
            runpy.run_path(script, run_name="__main__")
    except CallDenied as error:
        click.echo(f"guardrails: {error.paragraph}", err=True)
        sys.exit(3)
    except (EOFError, KeyboardInterrupt) as error:
        # click would swallow these two as its own and print "Aborted!".
        traceback.print_exc()
        sys.exit(1 if isinstance(error, EOFError) else 130)

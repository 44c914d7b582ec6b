"""``guardrails log upload``: sends the spool to the sink."""

from __future__ import annotations

import sys
import time

import click

from guardrails.cli.options import config_option
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.errors import ConfigError
from guardrails.memory.file_lock import LockedElsewhere
from guardrails.record.background import pause
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spool_files import not_permitted
from guardrails.record.upload import Uploader, sink_of, spool_of
from guardrails.show.sentences import counted


@click.command()
@config_option
@click.option("--watch", is_flag=True, help="Go on uploading until Ctrl-C.")
def upload(config: str | None, watch: bool) -> None:
    """Upload the decisions that wait on this host.

    Guarded processes do that themselves, unless log.upload is false. Exit code 1 if the sink did not take them; they
    stay in the spool.
    """
    settings = load(config)
    log = settings.log
    spool = spool_of(log)
    if spool is None:
        raise ConfigError(f"{settings.at('log.sink')}: no sink for decisions is configured; set log.sink")
    uploader, failures = Uploader(spool, sink_of(log)), 0
    while True:
        done = _once(uploader, log)
        if not watch:
            sys.exit(0 if done else 1)
        failures = 0 if done else failures + 1
        time.sleep(pause(failures) if failures else log.upload_delay_s)


def _once(uploader: Uploader, log: LogSettings) -> bool:
    try:
        count = uploader.upload()
    except LockedElsewhere:
        click.echo("guardrails: another process uploads them at the moment", err=True)
        return True
    except PermissionError:
        click.echo(f"guardrails: {not_permitted(log.spool_folder)}", err=True)
        return False
    except (SinkFailure, OSError) as error:
        click.echo(f"guardrails: {error}", err=True)
        return False
    if count:
        click.echo(f"{counted(count, 'line')} uploaded to {log.sink}")
    return True

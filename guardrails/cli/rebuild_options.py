"""What the commands of `guardrails rebuild` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import click
from botocore.config import Config

from guardrails.aws.clients import make_client
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.health import Check
from guardrails.health.named import checks as checks_of
from guardrails.rebuild import folder
from guardrails.rebuild.machine import USER_DATA, VOLUMES
from guardrails.rebuild.plan import Wish
from guardrails.rebuild.reading import CannotRead, Reader
from guardrails.rebuild.snapshot import Snapshot, read
from guardrails.show.printable import printable

_WITHOUT = {"user-data": USER_DATA, "volumes": VOLUMES}
# The run repeats a throttled call itself, when its turn comes.
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})


def reader(profile: str | None, region: str | None, endpoint_url: str | None, guard: Guard | None = None) -> Reader:
    """Clients for one account and region; with a guard, it judges their calls."""

    @cache
    def client(service: str) -> Any:
        made = make_client(service, profile, region, endpoint_url, _ONCE if guard else None)
        if guard is not None:
            guard.attach(made)
        return made

    return Reader(client)


@contextmanager
def readable() -> Iterator[None]:
    """Raises ConfigError for what could not be read and is indispensable."""
    try:
        yield
    except CannotRead as error:
        raise ConfigError(str(error)) from error


def given(path: Path | None) -> Snapshot | None:
    """The snapshot that the user named. Raises ConfigError."""
    return None if path is None else read(folder.load(path), str(path))


def wish_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is to be rebuilt, and how."""
    for option in (
        click.option("--addresses", is_flag=True, help="Move the Elastic IPs whose old holder is gone."),
        click.option("--all", "whole", is_flag=True, help="Rebuild what is there as well: a second set."),
        click.option(
            "--without",
            multiple=True,
            type=click.Choice(sorted(_WITHOUT)),
            help="Start without it where it is not known.",
        ),
        click.option("--like", metavar="MACHINE", default="", help="Take what is not known from this machine."),
        click.option("--image", metavar="AMI", default="", help="The image in place of those that are gone."),
        click.option("--from", "source", type=click.Path(path_type=Path), help="The snapshot; default: a kept one."),
        click.option("--into", metavar="SUBNET", multiple=True, help="Where to; default: where they were. Repeat it."),
    ):
        command = option(command)
    return command


def wish_of(cluster: str, options: dict[str, Any]) -> Wish:
    """What the options say. A list of subnets may also have commas."""
    into = tuple(name.strip() for each in options["into"] for name in each.split(",") if name.strip())
    without = frozenset(_WITHOUT[name] for name in options["without"])
    return Wish(
        cluster,
        into,
        options["image"],
        options["like"],
        without,
        whole=options["whole"],
        addresses=options["addresses"],
    )


def named(names: tuple[str, ...], clients: Callable[[str], Any]) -> list[Check]:
    """The health checks of these names. Raises click.UsageError."""
    try:
        return checks_of(names, clients)
    except ValueError as error:
        raise click.UsageError(f"--health: {error}") from error


class Teller:
    """Says each line once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, line: str) -> None:
        if line != self._last:
            click.echo(printable(line), err=True)
        self._last = line

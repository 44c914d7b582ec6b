"""What the commands of ``guardrails cutover`` share: guarded clients, the shared memory, and carrying something out."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import click
from attrs import frozen
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from guardrails.aws.clients import make_client
from guardrails.cli.show import console
from guardrails.config.settings import IN_MEMORY
from guardrails.cutover.entrances import StepFailed
from guardrails.cutover.gate import Gate
from guardrails.cutover.hold import Hold
from guardrails.cutover.kinds import Clients
from guardrails.cutover.plan import RETURNING, STUCK
from guardrails.cutover.runner import Runner, WentBack
from guardrails.cutover.show import record_json, record_page
from guardrails.cutover.signals import going_back
from guardrails.errors import ConfigError, CutoverRefused
from guardrails.guard import Guard
from guardrails.memory import configured
from guardrails.memory.cutovers import Cutovers

# A change is sent once, and given up long before another host may take the cutover over: the runner tries again itself.
_ONCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})


@frozen
class Parts:
    """`clients` are judged by `guard` like those of any program; `writers`, too, and these send a request only once.

    `scope` is the account and region.
    """

    guard: Guard
    clients: Clients
    writers: Clients
    cutovers: Cutovers
    scope: str


def parts(aws: Mapping[str, str | None]) -> Parts:
    """By the options that all commands have. Raises ConfigError."""
    guard = Guard.from_config(aws["config"])
    _check_shared(guard)

    def made_with(config: Config | None) -> Clients:
        @functools.cache
        def client(service: str) -> Any:
            made = make_client(service, aws["profile"], aws["region"], aws["endpoint_url"], config)
            guard.attach(made)
            return made

        return client

    clients = made_with(None)
    ec2 = clients("ec2")
    scope = f"{guard.live(ec2).account or _account(clients)}/{ec2.meta.region_name}"
    return Parts(guard, clients, made_with(_ONCE), configured.cutovers(guard.settings), scope)


def _account(clients: Clients) -> str:
    """By STS, where what is live does not say it: a cutover that is under way must be found then, too."""
    try:
        return str(clients("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(
            f"the AWS account is unknown, so it cannot be said whether a cutover is under way: {error}; try again, or "
            "allow ec2:DescribeInstances and sts:GetCallerIdentity"
        ) from error


def work(here: Parts, hold: Hold, fmt: str, task: Callable[[Runner], None]) -> int:
    """Carry something out; the exit code. Ctrl-C and SIGTERM go back, and do nothing on the way back."""

    def say(sentence: str) -> None:
        click.echo(sentence, err=fmt == "json")

    runner = Runner(hold, here.clients, Gate(here.clients, hold.record.plan), say, writers=here.writers)
    code = 0
    with going_back(say, already=hold.record.phase == RETURNING):
        try:
            task(runner)
        except WentBack:
            code = 1
        except (CutoverRefused, StepFailed) as error:
            click.echo(f"guardrails: {error}", err=True)
            code = 2
    if runner.record.phase == STUCK:
        code = 3
    if fmt == "json":
        click.echo(json.dumps(record_json(runner.record), indent=2))
    else:
        console().print(record_page(runner.record))
    return code


def _check_shared(guard: Guard) -> None:
    settings = guard.settings
    if not settings.state.enabled:
        raise ConfigError(f"{settings.at('state.enabled')}: a cutover keeps its state in the shared memory; remove it")
    if settings.state.store == "sqlite" and configured.state_file(settings) == IN_MEMORY:
        raise ConfigError(
            f"{settings.at('state.path')}: the memory is in each process alone, so a cutover could not be resumed; set "
            "state.path to a file, or state.store to a table"
        )

"""``guardrails backstop plan``, ``apply`` and ``drift``: protection on for what is live, off for what is retired."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from guardrails import assembly
from guardrails.aws.clients import make_client
from guardrails.backstop import apply as applying
from guardrails.backstop import kinds as protections
from guardrails.backstop import page
from guardrails.backstop.found import Clients, Search
from guardrails.backstop.plan import Plan, Roles, not_possible, replaced
from guardrails.backstop.plan import plan as planned
from guardrails.cli.options import aws_options
from guardrails.cli.question import says_yes
from guardrails.config.suggest import suggestion
from guardrails.evaluate.bundle import params_of
from guardrails.guard import Guard
from guardrails.show.printable import printable

_EXAMPLE = """\b
Exit codes:
  0  nothing to switch, or done
  1  drift: something is to be switched
     apply: the digest is another one, or AWS refused a call
  2  wrong usage, configuration or policy
  3  what is live is not known, or a resource could not be looked at
     apply: also denied, or not confirmed
"""


def _kinds(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    names = [kind.name for kind in protections.load()]
    for each in value:
        if each not in names:
            known = f"the kinds are {', '.join(names)}"
            raise click.BadParameter(f"there is no kind {each!r}; {suggestion(each, names, known)}")
    return value


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--leave", multiple=True, callback=_kinds, help="A kind of protection to leave as it is."),
        click.option("--off", multiple=True, help="A cluster that counts as retired unless it is live."),
        click.option("--on", multiple=True, help="A cluster to protect as well, such as staging."),
    ):
        command = option(command)
    return aws_options(command)


class _Asked:
    """What the options of all three commands name: an account, seen through a guard, and what to do there."""

    def __init__(
        self,
        config: str | None,
        profile: str | None,
        region: str | None,
        endpoint_url: str | None,
        on: tuple[str, ...],
        off: tuple[str, ...],
        leave: tuple[str, ...],
    ) -> None:
        self.guard = Guard.from_config(config)
        self.client: Clients = functools.cache(lambda service: make_client(service, profile, region, endpoint_url))
        self._on, self._off, self._leave = frozenset(on), frozenset(off), leave

    def guarded(self, service: str) -> Any:
        """A client whose calls this guard judges."""
        client = self.client(service)
        self.guard.attach(client)
        return client

    def plan(self) -> Plan:
        """What is to be switched now."""
        facts = self.guard.live(self.client("ec2"))
        if blocked := not_possible(facts):
            return Plan((), blocked=blocked)
        params = params_of(assembly.policies(self.guard.settings))
        roles = Roles(
            frozenset(facts.live.clusters),
            facts.past.retired_at,
            float(params["rollback_window_s"]),
            time.time(),
            self._on,
            self._off,
            replaced(facts, params["inferred"]),
        )
        kinds = [kind for kind in protections.load() if kind.name not in self._leave]
        return planned(Search(self.guard, self.client), kinds, roles)


def _show(plan: Plan, fmt: str) -> None:
    if fmt == "json":
        click.echo(json.dumps(page.document(plan), indent=2))
        return
    for line in page.lines(plan):
        click.echo(printable(line))


@click.command(epilog=_EXAMPLE)
@_options
def plan(fmt: str, **options: Any) -> None:
    """Show which protection would be switched on or off.

    On for everything that carries a live cluster, off for what carries only clusters that are retired: live once, no
    longer, and past their rollback window. Everything else stays as it is. Only reads.
    """
    made = _Asked(**options).plan()
    _show(made, fmt)
    sys.exit(0 if made.complete else 3)


@click.command(epilog=_EXAMPLE)
@_options
def drift(fmt: str, **options: Any) -> None:
    """Report protection that does not fit the roles of the clusters.

    As `plan`, with exit code 1 if something is to be switched. Run it on a schedule, and after each cutover. Only
    reads.
    """
    made = _Asked(**options).plan()
    _show(made, fmt)
    sys.exit(1 if made.changes else 0 if made.complete else 3)


@click.command(epilog=_EXAMPLE)
@_options
@click.option("--digest", help="Apply without asking, if this is the digest that `plan` showed.")
def apply(fmt: str, digest: str | None, **options: Any) -> None:
    """Switch the protection, after a confirmation.

    Every call goes through the guard. A second `apply` changes nothing. Where no one can be asked, give the `--digest`
    that `plan` showed.
    """
    made = _Asked(**options).plan()
    if fmt == "pretty" or not made.changes:
        _show(made, fmt)
    if not made.changes:
        sys.exit(0 if made.complete else 3)
    _confirm(made, digest)
    results = []
    # A guard of its own, which remembers nothing of what the plan was made from: the roles may have changed since.
    for each in applying.apply(made, _Asked(**options).guarded):
        results.append(each)
        if fmt == "pretty":
            on_off = "on " if each.change.on else "off"
            click.echo(printable(f"{each.result}: {on_off} {each.change.noun}{': ' * bool(each.why)}{each.why}"))
    if fmt == "json":
        done = [{**each.change.document(), "result": each.result, "reason": each.why} for each in results]
        click.echo(json.dumps({**page.document(made), "changes": done}, indent=2))
    became = {each.result for each in results}
    sys.exit(3 if "denied" in became else 1 if "failed" in became else 0 if made.complete else 3)


def _confirm(made: Plan, digest: str | None) -> None:
    """Exits where this plan is not confirmed."""
    if digest is not None:
        if digest != made.digest:
            click.echo(f"guardrails: the plan has another digest now, {made.digest}; look at it again", err=True)
            sys.exit(1)
        return
    otherwise = f"Look at the plan, then give its digest: guardrails backstop apply --digest {made.digest}"
    if not says_yes(f"Switch {len(made.changes)} of AWS's protections? [y/N] ", otherwise):
        click.echo("guardrails: nothing was changed", err=True)
        sys.exit(3)

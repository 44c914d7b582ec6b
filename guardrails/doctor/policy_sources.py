"""Where policies come from and who evaluates them elsewhere: bundles that are fetched, and OPA servers, each asked."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from guardrails import assembly
from guardrails.config.settings import Settings
from guardrails.doctor.finding import Finding, State
from guardrails.errors import ConfigError, GuardrailsError
from guardrails.evaluate import opa_versions, rule_book
from guardrails.evaluate.engine import EngineFailure
from guardrails.evaluate.opa_server import OpaServer
from guardrails.evaluate.opa_verified import verify
from guardrails.evaluate.remote.sources import Status
from guardrails.show.sentences import age


def examine(settings: Settings, now: float) -> Iterator[Finding]:
    """Every bundle that this configuration fetches, and every OPA server that it asks."""
    if settings.engine == "embedded" or settings.opa.fallback == "embedded":
        yield from _sources(settings, now)
    if settings.engine == "opa":
        yield from _servers(settings)


def _sources(settings: Settings, now: float) -> Iterator[Finding]:
    try:
        rule_book.check_signed(settings)
    except ConfigError:
        # Reported as what keeps the policies from loading.
        return
    sources = assembly.remote_sources(settings)
    sources.refresh(ask=True)
    for status in sources.status():
        state: State = "problem" if status.problem else "ok"
        yield Finding("policy source", state, sentence(status, now), attrs.asdict(status))


def sentence(status: Status, now: float) -> str:
    """A source of policies, in one sentence."""
    parts = [f"revision {status.revision or 'without a name'}" if status.held else "no verified bundle is kept"]
    if status.signed_at:
        parts.append(f"signed {age(now - status.signed_at)} ago")
    if status.checked_at:
        parts.append(f"checked {age(now - status.checked_at)} ago")
    problem = f"; {status.problem.removeprefix(f'{status.source}: ')}" if status.problem else ""
    return f"{status.source}: {', '.join(parts)}{problem}"


def _servers(settings: Settings) -> Iterator[Finding]:
    first = ""
    for url in settings.opa.addresses:
        try:
            server = OpaServer(settings.opa, url)
            verify(server, settings)
        except (EngineFailure, GuardrailsError) as error:
            yield Finding("OPA server", "problem", f"{url}: {error}", {"url": url})
            continue
        first = first or server.revision
        yield _server(server, first, opa_versions.doubts(server.version, signed=settings.policy_key is not None))


def _server(server: OpaServer, first: str, doubts: str) -> Finding:
    facts = {"url": server.url, "version": server.version, "revision": server.revision}
    found = f"{server.url}: OPA {server.version or 'of an unknown version'}, revision {server.revision}"
    if server.revision != first:
        return Finding("OPA server", "problem", f"{found}; another one has {first}: give both the same bundle", facts)
    return Finding("OPA server", "note" if doubts else "ok", f"{found}; it {doubts}" if doubts else found, facts)

"""The OPA servers that a configuration names."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.config.settings import Settings
from guardrails.evaluate import opa_versions
from guardrails.evaluate.engine import Engine
from guardrails.evaluate.opa_server import OpaServer
from guardrails.evaluate.opa_servers import OpaServers
from guardrails.evaluate.opa_verified import verify


def servers(settings: Settings, fallback: Engine | None, report: Callable[[str], None] | None) -> Engine:
    """All of them, once they have shown that they may decide. Raises PolicyError or ConfigError.

    `report` gets a sentence about what may be wrong with one.
    """
    each = [OpaServer(settings.opa, url) for url in settings.opa.addresses]
    made = OpaServers(each, settings.opa.timeout_s, lambda server: verify(server, settings), fallback)
    made.start(report)
    for server in each:
        doubts = server.version and opa_versions.doubts(server.version, signed=settings.policy_key is not None)
        if doubts and report is not None:
            report(f"OPA at {server.url} {doubts}")
    return made

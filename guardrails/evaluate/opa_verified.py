"""What an OPA server has to show before it may decide."""

from __future__ import annotations

import copy
import time
from typing import Any

from guardrails.config.settings import Settings
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import bundle, configured, opa_versions, self_test
from guardrails.evaluate.engine import EngineFailure
from guardrails.evaluate.opa_server import OpaServer


def verify(server: OpaServer, settings: Settings) -> None:
    """It has this configuration's parameters and a good version, and denies what it must.

    Raises EngineFailure where it does not answer, PolicyError or ConfigError where it must not decide.
    """
    try:
        there = server.params()
    except EngineFailure as error:
        raise EngineFailure(f"the OPA server cannot be asked for its parameters: {error}") from error
    if why := opa_versions.refused(server.version):
        raise PolicyError(f"OPA at {server.url} {why}")
    # What the bundle was built with is merged with its defaults.
    wanted: dict[str, Any] = copy.deepcopy(dict(there))
    bundle.merge(wanted, configured.params(settings, there))
    other = sorted(name for name, value in wanted.items() if there.get(name) != value)
    if other:
        raise ConfigError(
            f"the OPA server at {server.url} has other parameters than this configuration: "
            f"{', '.join(other)}; build its bundle with this configuration (guardrails policy build)"
        )
    self_test.check(server, time.time(), settings.enforcement)
    _check_engine(server)


def _check_engine(server: OpaServer) -> None:
    matches = server.matches()
    if matches is None:
        raise PolicyError(
            f"the bundle of OPA at {server.url} was built by another version of guardrails; build it again with this "
            "one (guardrails policy build)"
        )
    if not matches:
        raise PolicyError(
            f"OPA at {server.url} (version {server.version or 'unknown'}) does not find a word of the input in a set "
            "that has it, so a denial may be missing; use OPA 1.22.1 or later"
        )

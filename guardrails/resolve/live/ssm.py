"""The clusters that a Parameter Store parameter names."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source, cluster_names
from guardrails.values import Answer, Lookup, SourceReport


class Parameter(Source):
    """The value of the parameter of the setting `ssm_parameter` names the live cluster."""

    name = "ssm"

    def lookups(self, settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The parameter."""
        return (_lookup(settings),)

    def observe(self, settings: LiveSettings, answers: Mapping[str, Answer], _: Inventory, /) -> SourceReport:
        """The clusters in its value; none where the parameter does not exist."""
        answer = answers[_lookup(settings).key()]
        value = str(answer.items[0].get("Value", "")) if answer.items else None
        sentence = f"parameter {settings.ssm_parameter} " + ("does not exist" if value is None else f"is {value!r}")
        return SourceReport(self.name, cluster_names(value), answer.observed_at, sentence)


def _lookup(settings: LiveSettings) -> Lookup:
    return Lookup(
        "ssm",
        "GetParameter",
        "Parameter",
        {"Name": settings.ssm_parameter},
        empty_on=("ParameterNotFound", "ParameterVersionNotFound"),
    )

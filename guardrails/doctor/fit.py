"""Whether the configuration fits what is in the account: sources that see nothing, tags that no machine has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.config.settings import Settings
from guardrails.doctor.finding import Finding, State
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle
from guardrails.init.survey import Survey, as_configured, place
from guardrails.show.sentences import counted, listed

_PROPOSED = "`guardrails init` proposes a configuration"
_UNTAGGED = {"confirm": "needs a confirmation", "deny": "is blocked", "allow": "passes"}


def examine(client: Any, settings: Settings) -> Iterator[Finding]:
    """Notes about what does not fit. `client` is an EC2 client. Where look-ups fail, only cloud.py says so."""
    try:
        survey = as_configured(place(client, settings), settings)
    except ConfigError:
        return
    if survey is not None:
        yield from _sources(survey)
        yield from _tags(survey)
        default = bundle.params_of(bundle.read([bundle.shipped()]))["untagged"]
        yield from _loners(survey, str(settings.params.get("untagged", default)))


def _sources(survey: Survey) -> Iterator[Finding]:
    """Another source names a cluster as live that the listed ones do not."""
    for name, report in survey.reports.items():
        unseen = sorted({*report.clusters} - {*survey.live.clusters})
        if name in survey.sources or not unseen:
            continue
        blind = [each.name for each in survey.live.sources if not each.clusters]
        instead = f", and of the listed ones {listed(blind)} see{'s' * (len(blind) == 1)} none" if blind else ""
        sentence = f"not among [live] sources, but it sees {listed(unseen)} ({report.evidence}){instead}; {_PROPOSED}"
        yield Finding(f"source {name}", "note", sentence, {"clusters": unseen, "without": blind})


def _tags(survey: Survey) -> Iterator[Finding]:
    """No machine has a tag that names clusters, and some have one that looks like it."""
    other = [key for key in survey.like_a_cluster if key not in survey.cluster_tags]
    if other and not any(key in survey.keys for key in survey.cluster_tags):
        names = listed(survey.cluster_tags)
        sentence = f"no machine has the tag {names}, but {listed(other)} looks like a cluster's; see `cluster_tags`"
        yield Finding("cluster tags", "note", f"{sentence}, and {_PROPOSED}", {"like_a_cluster": other})


def _loners(survey: Survey, untagged: str) -> Iterator[Finding]:
    if survey.loners:
        belong = "belongs" if survey.loners == 1 else "belong"
        fate = _UNTAGGED.get(untagged, _UNTAGGED["deny"])
        sentence = f"{counted(survey.loners, 'machine')} {belong} to no cluster"
        sentence += f"; what harms them {fate} (params.untagged)"
        state: State = "ok" if fate == _UNTAGGED["allow"] else "note"
        yield Finding("machines without a cluster", state, sentence, {"count": survey.loners})

"""The guardrails.toml that is proposed: settings that differ from the defaults, and the reasons as comments."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from attrs import evolve

from guardrails.config.load import load
from guardrails.config.settings import LiveSettings, Settings
from guardrails.init.sentences import summary
from guardrails.init.survey import Survey
from guardrails.show.printable import printable
from guardrails.show.sentences import counted

_WIDTH = 100


def settings_of(survey: Survey) -> Settings:
    """The settings that the proposed file makes."""
    default = Settings()
    tags = () if survey.cluster_tags == default.cluster_keys else survey.cluster_tags
    return evolve(default, cluster_tags=tags, live=LiveSettings(sources=survey.sources))


def text(survey: Survey) -> str:
    """The file. It loads, which is tried here."""
    lines = "\n".join(_lines(survey)) + "\n"
    load(tomllib.loads(lines), directory=Path("/"), organisation=Path("/", "no", "organisation"))
    return lines


def _lines(survey: Survey) -> Iterator[str]:
    default = Settings()
    yield from _comment("Proposed by `guardrails init`. Only what differs from the defaults is set:")
    yield from _comment("`guardrails docs configuration` lists every key.")
    for line in summary(survey):
        yield from _comment(line)
    yield ""
    yield from _comment("The tags that name clusters, in order; after them AWS's own tags and memberships count.")
    yield _set("cluster_tags", survey.cluster_tags, survey.cluster_tags == default.cluster_keys)
    for key in survey.like_a_cluster:
        if key not in survey.cluster_tags:
            yield from _comment(f"{key} looks like one, too; but with it no source would show which cluster is live.")
    yield ""
    yield "[live]"
    yield from _comment("How it is seen which cluster is live. With the names of `guardrails docs running`:")
    for name in survey.sources:
        report = survey.reports.get(name)
        yield from _comment(f"  {name}: {report.evidence if report else 'it could not look; see guardrails doctor'}")
    yield _set("sources", survey.sources, survey.sources == default.live.sources)
    if survey.listeners:
        yield from _comment(
            "Several clusters are live. If users do not come by all of these listeners, leave those out:"
        )
        yield "# listeners = ["
        for place, arn in survey.listeners.items():
            yield f"#   {tomlkit.item(arn).as_string()},  # {printable(place)}"
        yield "# ]"
    yield ""
    yield "[params]"
    belong = "belongs" if survey.loners == 1 else "belong"
    yield from _comment(f"{counted(survey.loners, 'machine')} {belong} to no cluster. What harms them needs a yes.")
    yield from _comment('"deny" blocks it, "allow" lets it pass; what is live stays protected.')
    yield '# untagged = "confirm"'


def _set(key: str, value: tuple[str, ...], default: bool) -> str:
    return f"{'# ' if default else ''}{key} = {tomlkit.item([*value]).as_string()}"


def _comment(sentence: str) -> Iterator[str]:
    """Tags and names are others' text: whatever is in them stays inside the comment."""
    for line in textwrap.wrap(printable(sentence), _WIDTH, break_on_hyphens=False, subsequent_indent="  ") or [""]:
        yield f"# {line}".rstrip()

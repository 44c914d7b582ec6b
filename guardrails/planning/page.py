"""A plan as a page: what happens to each cluster, each call with its verdict, and what to do about denials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from guardrails.planning.entry import Entry
from guardrails.planning.plan import Plan
from guardrails.show.displayed import shown_as
from guardrails.show.page import Page, Section, Tone, without_empty
from guardrails.show.sentences import counted, listed, sentence

_VERBS = {"create": "+", "change": "~", "destroy": "-", "unknown": "?"}
_WORDS = {"create": "created", "change": "changed", "destroy": "destroyed", "unknown": "unknown: not sent"}
_TONES: Mapping[str, Tone] = {"allowed": "allow", "warned": "warn", "to confirm": "warn"}
NOTHING = "No call of it would change anything."
# Parameters that name what a call acts on.
_NAMES = ("Id", "Name", "Key", "Bucket", "Arn", "Url", "Identifier")


def page(plan: Plan) -> Page:
    """The whole plan. Nothing was sent, whatever the verdicts."""
    return Page(
        title(plan),
        "Nothing was sent but reads.",
        "warn" if plan.guess and plan.status == "allowed" else _TONES.get(plan.status, "deny"),
        without_empty(_sections(plan)),
        f"policies {plan.revision}" if plan.revision else "",
    )


def title(plan: Plan) -> str:
    """``Plan: 7 calls, 5 allowed, 2 denied``."""
    verdicts = "".join(f", {number} {status}" for status, number in plan.counts().items())
    return f"Plan: {counted(len(plan.entries), 'call')}{verdicts}" if plan.entries else f"Plan: {NOTHING}"


def _sections(plan: Plan) -> Iterator[Section]:
    yield Section("Clusters", (), ("cluster", "live", "running", "changes"), tuple(_clusters(plan)), _live(plan))
    yield calls(plan.entries)
    blocked = [each for each in plan.entries if each.rules or each.reason or each.aws_says]
    yield Section("Why", tuple(line for each in blocked for line in reasons(each)))
    yield Section("A guess", tuple(guesses(plan)))
    if plan.mode != "enforce":
        yield Section("Mode", (f"Denied calls would still be sent, because mode is {plan.mode!r}.",))


def _clusters(plan: Plan) -> Iterator[tuple[str, ...]]:
    left = plan.left()
    for cluster, verbs in plan.by_cluster().items():
        one = left.get(cluster)
        said = "; ".join(f"{_VERBS[verb]} {listed(names)} {_WORDS[verb]}" for verb, names in verbs.items())
        live = "" if one is None else "yes" if one.live else "no"
        yield cluster or "(none)", live, f"{one.before} -> {one.after}" if one else "", said


def _live(plan: Plan) -> frozenset[int]:
    left = plan.left()
    return frozenset(number for number, name in enumerate(plan.by_cluster()) if name in left and left[name].live)


def calls(entries: Iterable[Entry]) -> Section:
    """Every call, in order."""
    rows = tuple(
        (str(each.number), _call(each), each.status, _leaves(each), each.line.partition(": ")[0]) for each in entries
    )
    return Section("Calls", (), ("#", "call", "verdict", "leaves", "from"), rows)


def _call(entry: Entry) -> str:
    named = (value for name, value in entry.params.items() if isinstance(value, str) and name.endswith(_NAMES))
    what = listed(entry.things) or ", ".join(named)
    marks = [f"uses {listed(entry.planned)}, planned"] if entry.planned else []
    marks += ["unknown: not sent"] if entry.verb == "unknown" else []
    marks += ["a dry run: it changes nothing"] if entry.dry_run else []
    marks += ["a guess"] if entry.guess else []
    more = f" ({'; '.join(marks)})" if marks else ""
    return f"{' ' if entry.dry_run else _VERBS[entry.verb]} {entry.operation} {what}{more}"


def _leaves(entry: Entry) -> str:
    return ", ".join(
        f"{each.after} of {each.before} of {each.cluster}"
        if each.after <= each.before
        else f"{each.after} of {each.cluster}, {each.after - each.before} more"
        for each in entry.left
    )


def reasons(entry: Entry) -> Iterator[str]:
    """Each rule that speaks against a call, with what to do instead."""
    if entry.reason and entry.status not in ("allowed", "warned"):
        yield f"{entry.number}: {sentence(entry.reason)}"
    seen: dict[tuple[str, str], list[str]] = {}
    for rule in entry.rules:
        seen.setdefault((rule.id, rule.action), []).append(rule.target)
    for rule in entry.rules:
        targets = seen.pop((rule.id, rule.action), None)
        if targets is not None:
            same = f" (the same for {listed(targets[1:])})" if len(targets) > 1 else ""
            yield f"{entry.number} {rule.id}: {sentence(rule.message.rstrip('. ') + same)} Instead: {rule.remediation}"
    if entry.aws_says:
        yield f"{entry.number}: AWS says: {entry.aws_says}"


def guesses(plan: Plan) -> Iterator[str]:
    """From where on the plan is a guess, and why."""
    first = next((each for each in plan.entries if each.guess), None)
    if first is not None:
        yield f"From call {first.number} on this plan is a guess: {sentence(first.guess)}"
    elif plan.guess:
        yield f"What follows the last call is a guess: {sentence(plan.guess)}"


# In notebooks, in IPython and with rich.
shown_as(Plan, page)

"""A rule whose head is undefined for one machine keeps what it says of the others, as on OPA."""

from __future__ import annotations

import pytest

from tests.fuzz.rego import answers
from tests.fuzz.rego_engines import UNDEFINED, Answer, servers

INPUT = {
    "mixed": [{"b": 2}, {"a": 1}, {"b": 3}, {"a": 4}],
    "first": [{"a": 1}, {"b": 2}],
    "last": [{"b": 2}, {"a": 1}],
    "targets": {"i-1": {"tags": {}}, "i-2": {"tags": {"Name": "web"}}, "i-3": {}},
    "none": [],
}
NAMED = [{"target": "i-2", "message": "web is kept"}]
HEADS = [
    ("v contains x.a if { some x in input.first }", [1]),
    ("v contains x.a if { some x in input.last }", [1]),
    ("v contains x.a if some x in input.mixed", [1, 4]),
    ("v contains (x.a) if { some x in input.mixed } # }", [1, 4]),
    ("v contains ((x.a) + 1) if some x in input.mixed # }", [2, 5]),
    ('v contains {"m": x["a"]} if { # {\n\tsome x in input.mixed\n\tx.a > 1 # }\n}', [{"m": 4}]),
    (('v contains {\n\t"target": id,\n\t"message": sprintf("%s is kept", [target.tags.Name]),\n} if {\n'
     "\tsome id, target in input.targets\n}"), NAMED),
    ('v contains {"target": id, "message": sprintf("%s is kept", [input.targets[id].tags.Name])} if input.targets[id]',
     NAMED),
    ("v contains input.mixed[i].a if { input.mixed[i] }", [1, 4]),
    ("v contains f(x) if { some x in input.mixed }\nf(x) := x.a", [1, 4]),
    ('v contains h[x.b] if { some x in input.mixed }\nh := {2: "two"}', ["two"]),
    ("v contains min(x) if { some x in [[], [3, 4]] }", [3]),
    ("v contains input.none[_] if { count(input.mixed) == 4 }", []),
    ("v[k] := x.a if { some k, x in input.mixed }", {"1": 1, "3": 4}),
    ('v[sprintf("%v", [k])] := (x.a) if some k, x in input.mixed', {"1": 1, "3": 4}),
    ("v[x.a] := 1 if some x in input.mixed", {"1": 1, "4": 1}),
    ("v[k] contains x.a if { some k, x in input.mixed }", {"1": [1], "3": [4]}),
    ("v.of.all contains x.a if { some x in input.mixed }", {"of": {"all": [1, 4]}}),
    ('v contains input.mixed[_].a if input.targets["i-2"].tags.Name == "web"', [1, 4]),
    ('v contains input.mixed[_].a if input.targets["i-2"].tags.Name == `web`', [1, 4]),
    ('v contains input.mixed[_].a if "web" == input.targets["i-2"].tags["Name"] # "', [1, 4]),
    ('v[x["a"]] := k if { some k, x in input.mixed; "a" != "web" }', {"1": 1, "4": 3}),
    ('v := x.c if { some x in input.first } else := x.a if { some x in input.last; x.a != "web" }', 1),
    ('v := f(input.mixed[0])\nf(x) := x.a if { x.b } else := "none"', "none"),
    ('v := f(input.mixed[1])\nf(x) := x.a if { x.a } else := "none"', 1),
    ("v := f(1)\nf(x) := input.nope.y if { x == 1 } else := input.nope.z if { x == 1 } else := 2", 2),
    ("v := f(input.mixed)\nf(xs) := x.a if { some x in xs; x.a != 4 } else := 2", 1),
    # Operators at the head's own level, comments with keywords, heads without a value, and keys in parentheses.
    ("v := x.a - 1 if { some x in input.first }", 0),
    ("v contains x.a > 1 if { some x in input.mixed }", [False, True]),
    ('v := {x.a} | {"i-2"} if some x in input.first', [1, "i-2"]),
    ("v := base | {7} if input.targets[_].tags\nbase := {1} if input.mixed", [1, 7]),
    ("v[x.a] if { some x in input.mixed; x.a == 4 }", {"4": True}),
    ("v[x.a] if { some x in input.mixed; x.a }", {"1": True, "4": True}),
    ("v := x.c if { some x in input.first } else if { input.none == [] }", True),
    ("v contains x.a if # only if it is there\n{ some x in input.mixed }", [1, 4]),
    ("v # contains what\ncontains x.a if { some x in input.mixed }", [1, 4]),
    ("v[(x.a)] := k if { some k, x in input.mixed }", {"1": 1, "4": 3}),
    ("v := x.a if { some x in input.first }", 1),
    ("v := x.a if { some x in input.last }", 1),
    ("v := (x.c + 1) if { some x in input.first } else := x.a if { some x in input.last }", 1),
    # No body, or a head that loops by itself.
    ("v contains input.targets[_].tags.Name", ["web"]),
    ('v contains lower(input.targets[_].tags.Name) # "\n\nv contains input.nope.y\n\nv contains "b"', ["b", "web"]),
    ("v contains (input.mixed[_].a)\n\n# more\n\nw := 1", [1, 4]),
    ('v contains {"a": input.last[_].a, # {\n\t"b": `x\n\ty`}', [{"a": 1, "b": "x\n\ty"}]),
    ("v contains input.nope[_].a if { input.mixed[_].a }", []),
    ("v := input.last[_].a", 1),
    ("v := input.last[_].c", None),
    ("v := input.last[_].a if input.mixed", 1),
    ("default v := 3\nv := input.last[_].a", 1),
    ("v := 1 if { input.nope } else := input.last[_].a", 1),
    ("v := 1 if { input.nope } else := input.last[_].c if { true } else := 2", 2),
    ("v := f(1)\nf(x) := x if { input.nope } else := input.last[_].a", 1),
    ("v[input.mixed[_].a] := 1", {"1": 1, "4": 1}),
    ("v.k := input.last[_].a", {"k": 1}),
    ("v.k contains input.last[_].a", {"k": [1]}),
    # Variables by a pattern in brackets.
    ("v := y.a if { s[[1, y]] }\ns contains [k, x] if some k, x in input.mixed", 1),
    ('v := y.a if { s[{"k": k, "y": y}] }\ns contains {"k": k, "y": x} if some k, x in input.first', 1),
    ("v := f(input.last)\nf(xs) := y.a if { {x | some x in xs}[y] } else := 2", 1),
    ("v contains y.a if { walk(input.mixed, [[_], y]) }", [1, 4]),
    # Several parts of a name.
    ("v[k].y := x.a if { some k, x in input.mixed }", {"1": {"y": 1}, "3": {"y": 4}}),
    ("v[k].y contains x.a if { some k, x in input.mixed }", {"1": {"y": [1]}, "3": {"y": [4]}}),
    ("v[x.a].y if { some x in input.mixed }", {"1": {"y": True}, "4": {"y": True}}),
    ("v[k][x.a] if some k, x in input.mixed # ]", {"1": {"1": True}, "3": {"4": True}}),
    ("v.of[x.a] contains k if { some k, x in input.mixed }", {"of": {"1": [1], "4": [3]}}),
    ('v["p"][ (x.a) ]["q ]["].r[k] := k if { some k, x in input.last }', {"p": {"1": {"q ][": {"r": {"1": 1}}}}}),
    ("v[input.last[_].a].y[input.last[_].b] contains 3", {"1": {"y": {"2": [3]}}}),
    # Names that the rewriting would use.
    ("e__ := 5\nv contains x.a + e__ if some x in input.mixed", [6, 9]),
    ("v contains e__.a + e1__ if { e1__ := 1; some e__ in input.mixed }", [2, 5]),
    ("v[e__] := e1__.a if { some e__, e1__ in input.mixed }", {"1": 1, "3": 4}),
    ("v := f(input.mixed)\nf(e__) := {x.a | some x in e__}", [1, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value"), HEADS)
def test_nothing_is_lost(rule, value):
    """The embedded engine gives what Rego's specification says, wherever the part that is missing stands."""
    assert answers(f"package guardrails.fuzz\n\n{rule}\n", INPUT, []) == [answer(value)]


def answer(value):
    """Undefined is written as None."""
    return UNDEFINED if value is None else Answer("value", value)


def test_as_on_opa(opa_versions_built, tmp_path):
    """So do the oldest and the newest OPA."""
    with servers(opa_versions_built, tmp_path) as opas:
        for rule, value in HEADS:
            found = answers(f"package guardrails.fuzz\n\n{rule}\n", INPUT, opas)
            assert found == [answer(value)] * 3, rule

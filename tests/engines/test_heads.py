"""A rule whose head is undefined for one machine keeps what it says of the others, as on OPA."""

from __future__ import annotations

import pytest

from tests.fuzz.rego import answers
from tests.fuzz.rego_engines import Answer, servers

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
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value"), HEADS)
def test_nothing_is_lost(rule, value):
    """The embedded engine gives what Rego's specification says, wherever the part that is missing stands."""
    assert answers(f"package guardrails.fuzz\n\n{rule}\n", INPUT, []) == [Answer("value", value)]


def test_as_on_opa(opa_versions_built, tmp_path):
    """So do the oldest and the newest OPA."""
    with servers(opa_versions_built, tmp_path) as opas:
        for rule, value in HEADS:
            found = answers(f"package guardrails.fuzz\n\n{rule}\n", INPUT, opas)
            assert found == [Answer("value", value)] * 3, rule

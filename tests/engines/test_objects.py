"""An object that rules build in parts is there where none of them holds, as on OPA."""

from __future__ import annotations

import pytest

from tests.fuzz.rego import answers
from tests.fuzz.rego_engines import Answer, servers

INPUT = {"machines": [{"a": 1}, {"b": 2}], "none": []}
WHOLE = "v := [x | x := fine]\n"
OBJECTS = [
    (f"{WHOLE}fine.x := true if input.real", [{}]),
    (f"{WHOLE}fine.x if input.real", [{}]),
    (f"{WHOLE}fine.x := input.real", [{}]),
    (f'{WHOLE}fine["x y"].z := input.real', [{"x y": {}}]),
    (f"{WHOLE}fine.x.y := 1 if input.real", [{"x": {}}]),
    ("v := [x | x := fine.x]\nfine.x.y := 1 if input.real", [{}]),
    (f"{WHOLE}fine.x := 1\nfine.y.z := 2 if input.real", [{"x": 1, "y": {}}]),
    (f"{WHOLE}fine.x contains 1\nfine.y.z := 2 if input.real", [{"x": [1], "y": {}}]),
    (f"{WHOLE}fine.x contains 1 if input.real", [{"x": []}]),
    (f"{WHOLE}fine[k] contains 1 if some k in input.none", [{}]),
    (f"{WHOLE}fine[k] := 1 if some k in input.none", [{}]),
    (f"{WHOLE}fine[k].x := m.a if some k, m in input.none", [{}]),
    (f"{WHOLE}fine[k].x := m.a if some k, m in input.machines", [{"0": {"x": 1}}]),
    (f"{WHOLE}fine.x[k].y := 1 if some k in input.none", [{"x": {}}]),
    (f"{WHOLE}fine.x := 3 if input.real\ndefault fine.x := 2", [{"x": 2}]),
    (f"{WHOLE}fine.f(x) := x\nfine.x := 3 if input.real", [{}]),
    ("v := count(fine)\nfine.x := true if input.real", 0),
    ("v if not fine\nfine.x := true if input.real", None),
    ("v if not fine.x\nfine.x := true if input.real", True),
    ("v := count(data.guardrails.fuzz.fine)\nfine.x := true if input.machines", 1),
    # Where the modules cannot become one package.
    ("v := n if { n := count(fine) with input.real as false }\nfine.x := true if input.real", 0),
]


def answer(value):
    """Undefined is written as None."""
    return Answer("undefined") if value is None else Answer("value", value)


@pytest.mark.parametrize(("rules", "value"), OBJECTS)
def test_it_is_there(rules, value):
    """On the embedded engine it is empty, or has what the other rules say."""
    assert answers(f"package guardrails.fuzz\n\n{rules}\n", INPUT, []) == [answer(value)]


def test_as_on_opa(opa_versions_built, tmp_path):
    """So it is on the oldest and the newest OPA."""
    with servers(opa_versions_built, tmp_path) as opas:
        for rules, value in OBJECTS:
            found = answers(f"package guardrails.fuzz\n\n{rules}\n", INPUT, opas)
            assert found == [answer(value)] * 3, rules

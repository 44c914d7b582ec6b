"""What OPA refuses and the embedded engine loads is found by `policy check` where there is no OPA."""

from __future__ import annotations

import json

import pytest

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.rego.builtins import AVAILABLE
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import syntax_trees
from guardrails.policy.check import opa_refusals
from guardrails.policy.check.types import SIGNATURES
from tests.fuzz.rego_engines import Embedded, servers

WITHOUT_VALUE = "a value in this `not`"
REFUSED = [
    ("v if { not input.l[_] }", WITHOUT_VALUE),
    ("v if { not input.l[i].x }", WITHOUT_VALUE),
    ("v if { not f(input.l[_]) }\nf(x) := x", WITHOUT_VALUE),
    ("v if { not input.l[_] == 3 }", WITHOUT_VALUE),
    ("v if { some x in input.l; not x[_].y }", WITHOUT_VALUE),
    ("v if { some x; input.l }", "nothing uses x"),
    ("v if { every x in input.l { true } }", "nothing uses x"),
    ("v if { every k, x in input.l { x > 1 } }", "nothing uses k"),
    ("v if { input.nope; startswith(1, input.x) }", "startswith takes a string here, not a number"),
    ("v if { input.nope; startswith(count(input.l), input.x) }", "takes a string here, not a number"),
    ("v if { input.nope; sprintf(input.x, input.y, input.z, 1) }", "sprintf takes 2 arguments, not 4"),
    ("v if { input.nope; max(3) == 3 }", "max takes an array or a set here, not a number"),
    ("v if { input.nope; count(true) == 3 }", "count takes "),
    ('v if 1 == "a"', "a number never equals a string"),
    ("v if { [1, 2] = {1, 2} }", "an array never equals a set"),
    ("w := 1\nw contains 2\nv := 1", "w is a set here, and a value in fuzz.rego:3"),
    ("w(x) := 1\nw := 2\nv := 1", "w is a value here, and a function in fuzz.rego:3"),
    ("default w := 1\ndefault w := 2\nv := 1", "w has another default in fuzz.rego:3"),
    ("v if {input.x, input.y}", "this condition is a set, and so always holds"),
]
FINE = [
    "v if { not input.l[i]; i = 1 }",
    "v if { some i; input.l[i]; not input.m[i] }",
    "v if { input.l[i] == 2; not input.m[i] }",
    "v if { not count([x | x := input.l[_]]) == 1 }",
    "v if { not input.l[lower(input.x)] }",
    "v if { not input.l[w] }\nw := 1",
    "v if { not f(1) }\nf(i) if not input.l[i]",
    "v if { not w }\nw if input.l[_]",
    "v if { some x in input.l }",
    "v if { some x; input.l[x] > 1 }",
    "v if { every _ in input.l { true } }",
    "v if { every k, x in input.l { x[k] } }",
    "v if { count(input.l, n); n > 1 }",
    "v if count(input.l, 1)",
    'v if "a" != 1',
    'v if "a" < 1',
    "v if ({1} - {2}) == {1}",
    "v if input.l[0] == {1}",
    "v if { [x, 1] = [2, 1]; x }",
    "w.a contains 1\nw.b := 2\nv := 1",
    "f(x) := 1 if x\ndefault f(x) := 2\nv := f(1)",
    "default w := 1\nw := 2 if input.x\nv := w",
]


def module(rules):
    """The text of a module with these rules."""
    return f"package guardrails.fuzz\n\n{rules}\n"


def found(rules):
    """What `policy check` says of OPA in it."""
    text = {"fuzz.rego": module(rules)}
    return [mistake.message for mistake in opa_refusals.of(list(map(Module, syntax_trees(Bundle(text, {}, "")))), text)]


@pytest.mark.parametrize(("rules", "part"), REFUSED)
def test_it_is_reported(rules, part):
    """A module that no OPA server takes is reported, once."""
    (message,) = found(rules)
    assert part in message


@pytest.mark.parametrize("rules", FINE)
def test_its_siblings_are_not(rules):
    """What looks like it and runs on both engines is not reported."""
    assert found(rules) == []


def test_as_opa_does(opa_versions_built, tmp_path):
    """The oldest and the newest OPA refuse the former and take the latter; the embedded engine takes all."""
    with servers(opa_versions_built, tmp_path) as opas:
        for rules in (*(rules for rules, _ in REFUSED), *FINE):
            assert not Embedded().load(module(rules)), rules
            assert {bool(opa.load(module(rules))) for opa in opas} == {rules not in FINE}, rules


_LETTERS = {"string": "s", "number": "n", "boolean": "b", "null": "0", "array": "a", "object": "o", "set": "t"}


def letters(declared):
    """A type of OPA's list as SIGNATURES has it."""
    if declared["type"] == "any":
        inner = {letter for each in declared.get("of", ()) for letter in letters(each)}
        return "".join(sorted(inner)) or "*"
    return _LETTERS[declared["type"]]


def test_the_types_of_functions(opa_versions_built, run):
    """Functions take and give what the oldest and the newest OPA say."""
    assert SIGNATURES.keys() == AVAILABLE - {"print"}
    for program in opa_versions_built:
        listed = json.loads(run(program, "capabilities", "--current"))["builtins"]
        theirs = {each["name"]: each["decl"] for each in listed if each["name"] in SIGNATURES}
        for name, (takes, gives) in SIGNATURES.items():
            wanted = [letters(each) for each in theirs[name].get("args", ())]
            assert (name, [*takes]) == (name, wanted)
            # Some results have a narrower type in later versions.
            assert gives in ("*", letters(theirs[name]["result"])), name

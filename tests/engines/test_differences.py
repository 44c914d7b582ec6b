"""Where the embedded engine differs from OPA, as policies/README.md says: a new version may change it, unseen."""

from __future__ import annotations

import pytest

from tests.fuzz.rego import answers
from tests.fuzz.rego_engines import servers

INPUT = {
    "one": 1, "half": 0.5, "tab": "a=x\ty", "glob": "a?b{c[d", "empty": "",
    "bad": "%zz", "unit": "1x", "far": "1e400",
}  # fmt: skip
FAILED, UNDEFINED, REFUSED = "failed", "undefined", "refused"
# A module, and what each of them gives.
DIFFERENCES = [
    ("v if { not input.nope > 1 }", True, UNDEFINED),
    ("v if { not input.one != input.nope }", True, UNDEFINED),
    ("v := x if { x := 1 in input.nope }", False, UNDEFINED),
    ("v := urlquery.decode_object(input.tab)", {"a": ["xy"]}, {"a": ["x\ty"]}),
    ("v := glob.quote_meta(input.glob)", FAILED, r"a\?b\{c\[d"),
    ('v := regex.split(input.empty, "abc")', ["", "a", "b", "c", ""], ["a", "b", "c"]),
    ("r.x.y contains input.nope\nv := r[`x`].y", REFUSED, []),
    ('v := sprintf("%d", [0 - input.one])', "--1", "-1"),
    ('v := substring("abc", input.half, 1)', "", FAILED),
    ("v := urlquery.decode(input.bad)", "%zz", FAILED),
    ("v := object.subset([input.one], {1: 1})", False, FAILED),
    ("v := units.parse(input.unit)", UNDEFINED, FAILED),
    ("v := json.is_valid(input.far)", False, True),
    ('v := upper("ß")', "SS", "ß"),
    (r"v := regex.match(`^\w$`, `é`)", True, False),
    ("v := 0.1 + 0.2", 0.30000000000000004, 0.3),
]
SAME = [
    ("v if not input.nope", True),
    ('v := urlquery.decode_object("a=1%0A2&b=%09")', {"a": ["1\n2"], "b": ["\t"]}),
    ('r.x.y contains input.nope\nv := r["x"].y', []),
    ("v := count({0, -0.0})", 1),
    (r"v := regex.match(`^\w$`, `e`)", True),
]


def given(rule, opas=()):
    """The value of `v` on the embedded engine and on each OPA; without one what happened instead."""
    found = answers(f"package guardrails.fuzz\n\n{rule}\n", INPUT, [*opas])
    return [each.value if each.kind == "value" else each.kind for each in found]


@pytest.mark.parametrize(("rule", "embedded"), [(rule, value) for rule, value, _ in DIFFERENCES] + SAME)
def test_on_the_embedded_engine(rule, embedded):
    """Each difference is as written, and what is written differently is the same."""
    assert given(rule) == [embedded]


def test_on_opa(opa_versions_built, tmp_path):
    """So are the oldest and the newest OPA."""
    with servers(opa_versions_built, tmp_path) as opas:
        for rule, embedded, opa in [*DIFFERENCES, *((rule, value, value) for rule, value in SAME)]:
            assert given(rule, opas) == [embedded, opa, opa], rule

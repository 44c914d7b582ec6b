"""`guardrails policy mutate`: mutants of small policies, some noticed by a test and some not."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.evaluate.bundle import shipped
from guardrails.policy.mutate import justified, run
from guardrails.policy.test import suite

AREA = "package guardrails.tiny\n\n"
TESTS = "package guardrails.tiny_test\n\nimport data.guardrails.tiny\n\n"

# A policy, tests that notice all but one of its mutants, one that they notice and the survivor.
KINDS = {
    "not": (
        "a if not input.x\n\nb if not input.y\n",
        'test_a if tiny.a with input as {}\n\ntest_no_a if not tiny.a with input as {"x": 1}\n',
        "without not: not input.x",
        "without not: not input.y",
    ),
    "operator": (
        "a if input.x == 1\n\nb if input.n > 2\n",
        'test_a if tiny.a with input as {"x": 1}\n\ntest_b if tiny.b with input as {"n": 9}\n',
        "== becomes !=: input.x == 1",
        "> becomes >=: input.n > 2",
    ),
    "dropped": (
        'a if {\n\tinput.x\n\tinput.y == "é"\n}\n',
        'test_a if tiny.a with input as {"x": 1, "y": "é"}\n\ntest_no if not tiny.a with input as {"x": 1}\n',
        'dropped: input.y == "é"',
        "dropped: input.x",
    ),
    "narrowed": (
        'a := {"x", "y"}\n\nb := ["x"]\n',
        'test_a if "x" in tiny.a\n\ntest_b if tiny.b == ["x"]\n',
        'without "x" in {"x", "y"}',
        'without "y" in {"x", "y"}',
    ),
    "widened": (
        'a := {"stop"}\n\nb := {"ip"}\n',
        'test_a if tiny.a == {"stop"}\n\ntest_b if "ip" in tiny.b\n',
        'with "capacity" in {"stop"}',
        'with "capacity" in {"ip"}',
    ),
    "constant": (
        'a if input.x in {"u", "v"}\n\nb if count(input.l) < 3\n',
        'test_a if tiny.a with input as {"x": "u"}\n\ntest_b if tiny.b with input as {"l": [1]}\n',
        '"u" becomes "u~"',
        "3 becomes 4",
    ),
    # The engine gets it written otherwise, because its value may be undefined.
    "otherwise": (
        'a(n) := upper(input.l[n]) if {\n\tinput.x\n\tinput.y\n} else := "none"\n',
        ('test_a if {\n\ttiny.a(0) == "P" with input as {"x": 1, "y": 1, "l": ["p"]}\n\t'
        'tiny.a(0) == "none" with input as {"y": 1, "l": ["p"]}\n}\n'),
        "dropped: input.x",
        "dropped: input.y",
    ),
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """tiny(policy, tests): a folder with the area `tiny`, configured in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guardrails.toml").write_text('policies = ["mine"]\n')

    def write(policy, tests):
        for place, text in (("tiny/tiny", AREA + policy), ("tiny_test/tiny_test", TESTS + tests)):
            path = tmp_path / "mine" / "guardrails" / f"{place}.rego"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "mine"

    return write


def mutate(*arguments):
    return CliRunner().invoke(app, ["policy", "--config", "guardrails.toml", "mutate", "--jobs", "1", *arguments])


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind, tiny):
    """Of each kind of mutant one is noticed by a test and one survives."""
    policy, tests, killed, survivor = KINDS[kind]
    loaded = suite.load([tiny(policy, tests)])
    mutants = run.mutants_of(loaded)
    by_change = dict(zip([mutant.change for mutant in mutants], run.run(loaded, mutants, 1), strict=True))
    assert by_change[killed].startswith("data.guardrails.tiny_test.test_")
    assert by_change[survivor] == ""


def test_listed(tiny):
    """Survivors are listed by file, line and change; the last line has the counts; the exit code is 1."""
    tiny("# One.\na if input.x == 1\n", 'test_a if tiny.a with input as {"x": 1}\n')
    done = mutate("tiny")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "mine/guardrails/tiny/tiny.rego:4: dropped: input.x == 1",
        "3 mutants, 2 killed, 0 justified, 1 survived",
    ]
    document = json.loads(mutate("--format", "json").stdout)
    assert (document["mutants"], document["survived"]) == (3, 1)
    assert document["survivors"][0]["source"] == "a if input.x == 1"


def test_all_killed(tiny):
    """If tests notice every mutant the exit code is 0; the wording of messages is not mutated."""
    tiny(
        'a := sprintf("%s!", [input.w]) if input.x == 1\n',
        'test_a if tiny.a with input as {"x": 1, "w": "u"}\n\ntest_no if not tiny.a with input as {"x": 2, "w": "u"}\n',
    )
    done = mutate()
    assert (done.exit_code, done.stdout) == (0, "3 mutants, 3 killed, 0 justified, 0 survived\n")


def test_what_does_not_compile_is_not_counted(tiny):
    """A mutant with an unsafe variable does not compile, so no test could notice it."""
    policy = 'a if {\n\tinput.x[id]\n\tid == "u"\n}\n'
    loaded = suite.load([tiny(policy, 'test_a if tiny.a with input as {"x": {"u": 1}}\n')])
    mutants = run.mutants_of(loaded)
    by_change = dict(zip([mutant.change for mutant in mutants], run.run(loaded, mutants, 1), strict=True))
    assert by_change["dropped: input.x[id]"] is None
    assert "\n3 mutants, " in mutate().stdout


ENTRY = '[[justified]]\nfile = "guardrails/tiny/tiny.rego"\nline = "a if input.x == 1"\nchange = "{}"\nreason = "why"\n'


def test_justified(tiny):
    """A justified survivor is not a failure, even if its line moves; an entry without a survivor is an error."""
    folder = tiny("# One.\n\n# Two.\na if input.x == 1\n", 'test_a if tiny.a with input as {"x": 1}\n')
    (folder / justified.NAME).write_text(ENTRY.format("dropped: input.x == 1"))
    done = mutate()
    assert (done.exit_code, done.stdout) == (0, "3 mutants, 2 killed, 1 justified, 0 survived\n")
    (folder / justified.NAME).write_text(ENTRY.format("dropped: input.x == 1") + ENTRY.format("1 becomes 2"))
    done = mutate()
    assert done.exit_code == 1
    assert "stale: guardrails/tiny/tiny.rego: '1 becomes 2'" in done.stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[justified]", "cannot be read"),
        ("x = 1\n", "may contain only"),
        ('[[justified]]\nfile = "a"\n', "number 1 needs exactly the strings"),
    ],
)
def test_broken_justifications(tiny, text, sentence):
    """An invalid file of justifications is one sentence and exit code 2."""
    (tiny("a := 1\n", "test_a if tiny.a == 1\n") / justified.NAME).write_text(text)
    done = mutate()
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_wrong_usage(tiny):
    """An unknown area, or a test that fails without any mutant, is one sentence and exit code 2."""
    tiny("a := 1\n", "test_a if tiny.a == 2\n")
    assert "no such area; the areas are tiny" in mutate("nothing").stderr
    assert "no such area; did you mean `tiny`?" in mutate("tinny").stderr
    done = mutate()
    assert done.exit_code == 2
    assert "test_a fails without any mutant" in done.stderr


def test_shipped_justifications_are_read():
    """The shipped file of justifications is valid."""
    assert all(entry.reason for entry in justified.read(shipped()))


def test_no_mutant_of_a_small_shipped_area_survives(tmp_path, monkeypatch):
    """The shipped tests notice every mutant of `rollback` that is not justified; entries of other areas are ignored."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["policy", "mutate", "rollback"])
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(", 1 justified, 0 survived\n")

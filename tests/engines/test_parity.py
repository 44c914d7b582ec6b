"""The embedded engine and a real OPA give the same document for the same input, whatever the order of the files."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from guardrails.evaluate import bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from tests.engines.documents import generated

POLICIES = bundle.shipped()
INPUTS = 1000


@pytest.fixture(scope="module")
def documents():
    return [generated(seed) for seed in range(INPUTS)]


@pytest.fixture(scope="module")
def marked():
    """The shipped policies with every kind of live tag configured."""
    live = {"tag": {"key": "Live", "value": "true"}, "eip_tag": {"key": "Front", "value": "true"}}
    params = {"live": live, "remaining": {"clusters": {"red": {}}}, "capacity": {"headroom_machines": 1}}
    return bundle.with_params(bundle.read([POLICIES]), params)


def _answers_of_opa(documents, policies, opa, run, tmp_path):
    data = tmp_path / "data.json"
    data.write_text(json.dumps({**policies.data, "inputs": documents}))
    rego = [str(path) for path in sorted(POLICIES.rglob("*.rego")) if not path.stem.endswith("_test")]
    files = [argument for path in (*rego, data) for argument in ("-d", str(path))]
    query = "[answer | some document in data.inputs; answer := data.guardrails.main.decision with input as document]"
    return json.loads(run(opa, "eval", *files, "-f", "raw", query))


def _recorded():
    packed = Path(__file__).with_name("recorded_inputs.jsonl.gz")
    return [json.loads(line) for line in gzip.decompress(packed.read_bytes()).splitlines()]


def test_the_oldest_and_the_newest(marked, opa_versions_built, run, tmp_path):
    """The oldest and the newest OPA that are supported return the same documents for the recorded inputs, too."""
    documents = _recorded()
    engine = EmbeddedEngine(marked)
    expected = [engine.evaluate(document).result for document in documents]
    for opa in opa_versions_built:
        assert _answers_of_opa(documents, marked, opa, run, tmp_path) == expected, opa


def test_recorded_inputs(marked, opa, run, tmp_path):
    """For 500 inputs that guards logged in runs of this suite both engines return the same document."""
    documents = _recorded()
    answers = _answers_of_opa(documents, marked, opa, run, tmp_path)
    engine = EmbeddedEngine(marked)
    assert len(answers) == len(documents) >= 500
    for document, answer in zip(documents, answers, strict=True):
        assert engine.evaluate(document).result == answer
    assert {answer["action"] for answer in answers} >= {"deny", "allow"}
    assert len({document["call"]["operation"] for document in documents}) > 50


def test_same_documents_as_opa(documents, marked, opa, run, tmp_path):
    """For hundreds of generated inputs both engines return the same action and the same violations, word for word."""
    answers = _answers_of_opa(documents, marked, opa, run, tmp_path)
    engine = EmbeddedEngine(marked)
    assert len(answers) == INPUTS
    for document, answer in zip(documents, answers, strict=True):
        assert engine.evaluate(document).result == answer
    # The corpus covers every action and every rule but two: one is off by its parameter, one needs a malformed answer.
    assert {answer["action"] for answer in answers} == {"deny", "confirm", "warn", "allow"}
    fired = {violation["rule"] for answer in answers for violation in answer["violations"]}
    assert bundle.rule_ids(marked) - fired == {"live-cluster/disputed", "main/malformed"}


@pytest.mark.cases(2)
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_files_does_not_matter(documents, marked, seed):
    """Loaded in another order, the embedded engine gives the same answers; its known fault depends on the order."""
    names = list(marked.modules)
    random.Random(seed).shuffle(names)
    shuffled = bundle.Bundle({name: marked.modules[name] for name in names}, marked.data, "")
    usual, other = EmbeddedEngine(marked), EmbeddedEngine(shuffled)
    for document in documents[::4]:
        assert other.evaluate(document).result == usual.evaluate(document).result

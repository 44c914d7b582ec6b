"""``python -m tests.policy.soundness``: which weakenings of the shipped policies does `policy compare` find?

Each rule is deleted, and each mutant of `policy mutate` is made. A mutant is known to weaken where compare finds an
input that shows it, or where one of the inputs that guards recorded in this suite, or one of the inputs made up for the
comparison of the engines, does: compare sees none of those. Printed are the shares found, and what was missed. A rule
that does not act under the default parameters is deleted under those values of the schema at which it may.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from pathlib import Path

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle
from guardrails.evaluate.checked import syntax_of
from guardrails.evaluate.policy_params import schema
from guardrails.policy.check.entries import entries
from guardrails.policy.compare.affected import Policies
from guardrails.policy.compare.definitions import PARAMS
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import Judge, PolicySet
from guardrails.policy.explain import rule_id
from guardrails.policy.mutate.mutants import mutants_in
from tests.engines.documents import generated

RECORDED = Path(__file__).parent.parent / "engines" / "recorded_inputs.jsonl.gz"
GENERATED = 1000


class Remembering(Judge):
    """Answers again what it was asked before."""

    def __init__(self, policies):
        super().__init__(policies)
        self._known = {}

    def verdict(self, document):
        """The verdict on one input."""
        key = hash(json.dumps(document, sort_keys=True))
        if key not in self._known:
            self._known[key] = super().verdict(document)
        return self._known[key]


class Later(Judge):
    """A judge that loads its policies when it is first asked: most are not."""

    def __init__(self, policies):
        self._policies = policies
        self._judge = None

    def verdict(self, document):
        """The verdict on one input."""
        self._judge = self._judge or Judge(self._policies)
        return self._judge.verdict(document)


class Sound:
    """The shipped policies under some parameters, and the inputs that all comparisons with them share."""

    def __init__(self, **params):
        self.bundle = bundle.with_params(bundle.read([bundle.shipped()]), params)
        self.old = PolicySet("old", self.bundle)
        self.policies = Policies(self.bundle)
        self.judge = Remembering(self.old)
        self._known = None

    def deletions(self):
        """(name, entry, policies without it) for each definition that adds to deny, confirm or warn."""
        policies = self.policies
        for module in policies.modules:
            for rule in entries(module):
                (entry,) = [
                    each for each in policies.entries
                    if (each.definition.file, each.definition.line) == (rule.file, rule.line)
                ]  # fmt: skip
                source = module.source[: rule.span["start"]] + module.source[rule.span["end"] :]
                yield rule_id(module, rule), entry, self.edited(module.file, source.decode())

    def edited(self, file, text):
        """The policies with another text of one file."""
        modules = {name: old for name, old in self.bundle.modules.items() if not bundle.is_collector(old)}
        return bundle.collected({**modules, file: text}, self.bundle.data, "", "edited")

    def wider(self, edited):
        """Whether compare finds that the edited policies are wider; the steps of a comparison until it knows."""
        comparing = self._comparing(edited)
        if comparing.same:
            return False
        if self._known is None:
            self._known = [*comparing.known_inputs()]
        starts = comparing.starts()
        for document in self._known:
            starts.add(document, comparing.findings.try_(document))
            if comparing.findings.any:
                return True
        comparing.search(starts)
        return comparing.findings.any

    def shown_by(self, edited, documents):
        """Whether one of these inputs shows that the edited policies are wider."""
        comparing = self._comparing(edited)
        for document in documents:
            comparing.findings.try_(document)
            if comparing.findings.any:
                return True
        return False

    def _comparing(self, edited):
        new = PolicySet("new", edited)
        return Comparing(self.old, new, known=self.policies, judges=(self.judge, Later(new)))


def other_params(entry, policies):
    """Parameters at which a rule may act that does not under the defaults: each word of those that it refers to."""
    refers = {path for each in policies.closure([entry.definition]) for path in each.refers}
    for path in sorted(str(each[3]) for each in refers if each[:3] == PARAMS and len(each) > 3):
        declared = schema()["properties"].get(path, {})
        for value in declared.get("enum", ()):
            yield {path: value}
        for name, inner in declared.get("properties", {}).items():
            yield from ({path: {name: value}} for value in inner.get("enum", ()))


def deletion_found(name, entry, edited, default, others):
    """Whether the deletion is found under the default parameters, or under others at which the rule acts."""
    if default.wider(edited):
        return "found"
    for params in other_params(entry, Policies(default.bundle)):
        key = json.dumps(params)
        if key not in others:
            others[key] = Sound(**params)
        for other, same, without in others[key].deletions():
            if (other, same.definition.digest) == (name, entry.definition.digest) and others[key].wider(without):
                return f"found under {key}"
    return "missed"


def _deletions(default, every, out):
    results, others = {}, {}
    for name, entry, edited in [*default.deletions()][::every]:
        found = deletion_found(name, entry, edited, default, others)
        results[f"{name} ({entry.level}, line {entry.definition.line})"] = found
        out(f"deleted {name} ({entry.level}): {found}")
    missed = [name for name, found in results.items() if found == "missed"]
    out(f"DELETIONS {len(results)}, found {len(results) - len(missed)}; missed: {', '.join(missed) or 'none'}")


def _mutants(default, sample, out):
    recorded = [json.loads(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]
    oracle = [*recorded, *(generated(seed) for seed in range(GENERATED))]
    trees = [tree for tree in syntax_of(default.bundle) if not bundle.is_collector(tree["source"]["contents"])]
    mutants = [mutant for tree in trees for mutant in mutants_in(tree)]
    counts = {"found": 0, "missed": 0, "not known to weaken": 0, "does not load": 0}
    mutants.sort(key=lambda mutant: (Path(mutant.file).name, mutant.start, mutant.end, mutant.text))
    for mutant in random.Random(1).sample(mutants, min(sample, len(mutants))):
        edited = default.edited(mutant.file, mutant.apply(default.bundle.modules[mutant.file]))
        try:
            found = default.wider(edited)
            result = "found" if found else "missed" if default.shown_by(edited, oracle) else "not known to weaken"
        except PolicyError:
            result = "does not load"
        counts[result] += 1
        out(f"{result}: {Path(mutant.file).name}:{mutant.line}: {mutant.change}")
    known = counts["found"] + counts["missed"]
    out(f"MUTANTS {counts}; of those known to weaken {counts['found'] / max(1, known):.1%} found")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every n-th deletion")
    parser.add_argument("--sample", type=int, default=10**6, help="how many mutants to choose, the same every time")
    parser.add_argument("--only", choices=["deletions", "mutants"])
    chosen = parser.parse_args()
    started = time.process_time()
    default = Sound()

    def out(line):
        print(f"{time.process_time() - started:7.1f} s  {line}", flush=True)

    if chosen.only != "mutants":
        _deletions(default, chosen.every, out)
    if chosen.only != "deletions":
        _mutants(default, chosen.sample, out)


if __name__ == "__main__":
    main()

"""Compare the embedded engine's wheel with upstream's crate: ``python -m tests.engines.upstream [--version 0.14.1]``.

It needs cargo and the registries of crates and of Python packages. It prints one line for each comparison and ends with
exit code 1 if one fails.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from guardrails.evaluate import bundle
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.checked import checked, compiled
from guardrails.evaluate.engine import ENTRYPOINT
from guardrails.evaluate.rego import merged
from guardrails.evaluate.regorus import new_engine
from guardrails.policy.test.suite import load
from tests.engines.documents import generated
from tests.engines.upstream import crate, wheel
from tests.support.archives import unpack

RECORDED = Path(__file__).parent.parent / "recorded_inputs.jsonl.gz"
GENERATED = 1000
Asked = Mapping[str, Any]


def documents() -> list[Any]:
    """The inputs that guards logged, and generated ones."""
    lines = gzip.decompress(RECORDED.read_bytes()).splitlines()
    return [*map(json.loads, lines), *map(generated, range(GENERATED))]


def corpora() -> Iterator[tuple[str, Bundle, list[Asked]]]:
    """(name, policies, what is asked of them): as written, merged as the guard evaluates them, and their tests."""
    live = {"tag": {"key": "Live", "value": "true"}, "eip_tag": {"key": "Front", "value": "true"}}
    policies = bundle.with_params(bundle.read([bundle.shipped()]), {"live": live})
    inputs = documents()
    yield "inputs", checked(policies), [{"rule": ENTRYPOINT, "input": each} for each in inputs]
    one = compiled(policies)
    rule = merged.entrypoint(one.modules)
    yield "inputs, policies merged", one, [{"rule": rule, "input": each} for each in inputs]
    suite = load([bundle.shipped()])
    yield "tests of policies", suite.checked, [{"rule": test.path, "input": {}} for test in suite.tests]


def answers_of_the_wheel(policies: Bundle, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """What the installed wheel answers to each question."""
    engine = new_engine(policies)
    answers = []
    for each in asked:
        engine.set_input_json(json.dumps(each["input"]))
        answers.append({"answer": json.loads(engine.eval_rule_as_json(each["rule"]))})
    return answers


def compare_answers(upstream: crate.Crate) -> bool:
    """Whether both give the same answers to everything; a line for each corpus."""
    same = True
    for name, policies, asked in corpora():
        ours, theirs = answers_of_the_wheel(policies, asked), upstream.answers(policies, asked)
        different = [each for each, one, other in zip(asked, ours, theirs, strict=True) if one != other]
        kinds = len({json.dumps(answer, sort_keys=True) for answer in ours})
        print(f"{name}: {len(asked)} asked, {kinds} different answers, {len(different)} differ from upstream's")
        same = same and not different
    return same


def compare_sources(upstream: crate.Crate) -> bool:
    """Whether the source distribution beside the wheel has the crate's source, file by file."""
    with tempfile.TemporaryDirectory() as folder:
        command = ("download", "-q", "--no-deps", "--no-binary", wheel.NAME, "-d", folder)
        subprocess.run([sys.executable, "-m", "pip", *command, f"{wheel.NAME}=={upstream.version}"], check=True)
        (packed,) = Path(folder).glob("*.tar.gz")
        unpack(packed, Path(folder))
        (unpacked,) = [path for path in Path(folder).iterdir() if path.is_dir()]
        ours, theirs = _hashes(unpacked / "src"), _hashes(upstream.source / "src")
        ours |= {"build.rs": _hash(unpacked / "build.rs")}
        theirs |= {"build.rs": _hash(upstream.source / "build.rs")}
    different = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    print(f"source: {len(ours)} files, {len(different)} differ from the crate's {', '.join(sorted(different)[:5])}")
    return not different


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): _hash(file) for file in folder.rglob("*") if file.is_file()}


def describe() -> bool:
    """What the wheel says about itself; whether its files are those of its RECORD."""
    ours = wheel.installed()
    changed = wheel.changed_files(ours)
    print(f"wheel: {wheel.NAME} {ours.version}, rustc {wheel.compiler(ours)}, {len(wheel.parts(ours))} crates")
    print(f"files: {len(changed)} differ from the wheel's RECORD {', '.join(changed)}")
    return not changed


def main() -> int:
    """The comparisons; another version than the wheel's is compared by its answers only."""
    parser = argparse.ArgumentParser(prog="python -m tests.engines.upstream")
    parser.add_argument("--version", default=wheel.installed().version, help="of the crate; default: the wheel's")
    version = parser.parse_args().version
    upstream = crate.build(version)
    print(f"upstream: regorus {version}")
    checks: list[Callable[[], bool]] = [lambda: compare_answers(upstream)]
    if version == wheel.installed().version:
        checks += [lambda: compare_sources(upstream), describe]
    results = [check() for check in checks]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What is refused at load, `guardrails policy check` finds first: ``python -m tests.policy.refusals``.

Each case is refused for another reason. The exit code is 1 where `check` does not say the same sentence of the same
line.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from guardrails import assembly
from guardrails.config.load import load
from guardrails.errors import PolicyError
from guardrails.policy.check.check import check

HEAD = "package guardrails.night\n\n"
ENTRY = '{"rule": "night/no", "target": "all", "message": "It is night.", "remediation": "Wait."}'
_RULE = f"""deny contains {ENTRY} if {{
	input.call.operation == "StopInstances"
	LINE
}}

helper(x) := x
"""
_LINES = {
    "syntax": "some x in in [1]",
    "unsafe variable": "nowhere == 1",
    "unknown function": "nowhere(1)",
    "number of arguments": "helper(1, 2, 3, 4)",
    "undefined data": "data.nothing.here",
    "forbidden function": 'http.send({"url": "x"})',
    "package by a variable": 'some area in ["night"]\n\tcount(data.guardrails[area].deny) > 0',
    "walk": "[path, value] := walk(input)\n\tcount(path) == value",
    "object pattern": 'some {"state": state} in input.targets\n\tstate == "running"',
    "template string": '$"{input.call.service}" == "ec2"',
}
_FILES = {
    "import as a value": "import data.guardrails.lib\n\nx := lib\n",
    "dialect": "import rego.v2\n\nx := 1\n",
    "recursion": "a if b\n\nb if a\n",
    "recursion through a key": 'a[b] := 1 if input.time\n\nb := a["x"]\n',
    "undefined data in a key": "a[data.nothing.here] := 1 if input.time\n",
    "forbidden function in a key": 'a[rand.intn("x", 9)] := 1 if input.time\n',
    "a default that is no constant": f"default a := input.time\n\ndeny contains {ENTRY} if a == 1\n",
    "a rule named like a package": "data.night := 1\n",
    "values that contradict": f"a := 1\n\na := 2\n\ndeny contains {ENTRY} if a == 1\n",
    "an evaluation that fails": f"a := [input.targets[_].id | true]\n\ndeny contains {ENTRY} if count(a) > 1000\n",
    "not a number": f'a := to_number("x")\n\ndeny contains {ENTRY} if a == 1\n',
    "not a set": f"deny := {ENTRY}\n",
    "misspelt": f"denies contains {ENTRY}\n",
}
CASES: Mapping[str, Mapping[str, str]] = {
    **{name: {"night.rego": HEAD + _RULE.replace("LINE", line)} for name, line in _LINES.items()},
    **{name: {"night.rego": HEAD + text} for name, text in _FILES.items()},
    "a function in two files": {"night.rego": f"{HEAD}f(1) := 1\n", "day.rego": f"{HEAD}f(2) := 1\n"},
    "the accident is allowed": {
        "guardrails/main/main.rego": 'package guardrails.main\n\ndecision := {"action": "allow", "violations": []}\n'
    },
    "no answer": {"guardrails/main/main.rego": "package guardrails.main\n\ndecision := 1\n"},
    "a parameter": {
        "guardrails/params/data.json": '{\n\t"untagged": "dney"\n}\n',
        "guardrails/night/night.rego": f"{HEAD}x := 1\n",
    },
}


def both(case: str, folder: Path) -> tuple[str, list[str]]:
    """The sentence of a load, "" where nothing is refused, and those of `check`; places are without columns."""
    own = folder / "own"
    for name, text in CASES[case].items():
        file = own / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    configuration = folder / "guardrails.toml"
    configuration.write_text('policies = ["own"]\n')
    try:
        assembly.embedded(assembly.policies(load(configuration))).forget()
    except PolicyError as error:
        refusal = str(error)
    else:
        refusal = ""
    found = [f"{mistake.file}:{mistake.line}: {mistake.message}" for mistake in check([own])[0]]
    return _without_column(refusal), found


def is_found(refusal: str, found: list[str]) -> bool:
    """Whether a refusal is among what was found. One about all policies has no place."""
    return any(refusal in (sentence, sentence.partition(": ")[2]) for sentence in found)


def _without_column(sentence: str) -> str:
    place, colon, what = sentence.partition(": ")
    file, *numbers = place.split(":")
    if file.endswith(".toml"):
        return what
    return f"{file}:{numbers[0]}{colon}{what}" if numbers else sentence


def main() -> int:
    """Every case."""
    missing = 0
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            refusal, found = both(case, Path(folder).resolve())
        good = bool(refusal) and is_found(refusal, found)
        missing += not good
        print(f"{'found' if good else 'MISSING'}  {case}: {refusal or 'loads'}", *([] if good else found), flush=True)
    print(f"{len(CASES)} cases, {missing} not found by check")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

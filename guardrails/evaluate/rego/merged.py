"""Where things are in the one package that one_package.py makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from guardrails.evaluate.engine import ENTRYPOINT

PACKAGE = "_g"
# The first file of the package; others follow where the engine would refuse one so long.
MERGED = "(all policies)"
DECISION = "decision__"
_FILE = re.compile(r'#@ (".*")')
_PLACE = re.compile(rf"({re.escape(MERGED)}\d*):(\d+):")


def placed(sentence: str, modules: Mapping[str, str]) -> str:
    """An error's sentence with the file and line that the author knows; `modules` are those of `one_package.merged`."""
    place = _PLACE.match(sentence)
    if place is None or place[1] not in modules:
        return sentence
    lines = modules[place[1]].split("\n")[: int(place[2])]
    for above, line in enumerate(reversed(lines)):
        file = _FILE.fullmatch(line)
        if file:
            return f"{json.loads(file[1])}:{above}:{sentence[place.end() :]}"
    return sentence


def entrypoint(modules: Mapping[str, str]) -> str:
    """The path of the decision in these modules, which may be one package or as they are written."""
    return f"data.{PACKAGE}.{DECISION}" if MERGED in modules else ENTRYPOINT

"""The environment variables of `guardrails run`: with them, every Python that is started guards itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_SITE = Path(__file__).parent / "site"


def environment(inherited: Mapping[str, str], config: str | None) -> dict[str, str]:
    """`inherited` with the hook's folder first on PYTHONPATH, and the configuration's absolute path."""
    variables = dict(inherited)
    others = [part for part in variables.get("PYTHONPATH", "").split(os.pathsep) if part and part != str(_SITE)]
    variables["PYTHONPATH"] = os.pathsep.join((str(_SITE), *others))
    if config is not None:
        variables["GUARDRAILS_CONFIG"] = str(Path(config).resolve())
    return variables

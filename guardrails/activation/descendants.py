"""The environment in which every Python that is started guards itself: what `guardrails run` sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_SITE = Path(__file__).parent / "site"


def environment(inherited: Mapping[str, str], config: str | None) -> dict[str, str]:
    """`inherited` with the hook's folder first on PYTHONPATH, and the configuration by its whole path."""
    made = dict(inherited)
    others = [part for part in made.get("PYTHONPATH", "").split(os.pathsep) if part and part != str(_SITE)]
    made["PYTHONPATH"] = os.pathsep.join((str(_SITE), *others))
    if config is not None:
        made["GUARDRAILS_CONFIG"] = str(Path(config).resolve())
    return made

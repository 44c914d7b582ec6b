"""How many tokens are in AWS's buckets, as the guards that share the memory know."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.memory import StateUnavailable
from guardrails.memory.buckets import Bucket
from guardrails.memory.pacer import Pacer
from guardrails.memory.store import Asked
from guardrails.values import Live

_NOTHING = Live(known=False, disputed=False, clusters=())


def levels(pacer: Pacer | None, scope: str, limits: Sequence[Bucket], now: float) -> dict[str, float] | None:
    """The tokens of the share that is used here, by the bucket's name; takes none. None where no memory has them."""
    if pacer is None:
        return None
    asked = Asked(scope, "", "", _NOTHING, now, levels=tuple(map(pacer.bucket, limits)), whole=False)
    try:
        known = pacer.store.remember(asked)
    except StateUnavailable:
        return None
    return dict(zip((limit.name for limit in limits), known.levels, strict=True))

"""What a guarded process hands to the processes that multiprocessing starts, so that they are guarded, too."""

from __future__ import annotations

import pickle
from typing import Any

from guardrails.activation.hook import arm


class Inherited:
    """Travels in the preparation data of a spawned process; unpickled, it arms the hook with the same settings."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Any, ...]:
        # Bytes within the pickle: a child that never uses AWS need not import what the settings are made of.
        return arm_child, (pickle.dumps(self._settings),)


def arm_child(settings: bytes) -> None:
    """Guard this process, once it imports botocore, as its parent is guarded."""

    def install() -> None:
        from guardrails.installed import install as install_  # noqa: PLC0415  (it imports botocore)

        install_(pickle.loads(settings))  # noqa: S301  (it comes from the parent, which could run anything here)

    arm("its parent process is", install)

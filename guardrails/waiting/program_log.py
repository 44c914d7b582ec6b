"""What the guard says in the program's log: the logger `guardrails`, with the handlers that the program gave it."""

from __future__ import annotations

import logging
from typing import Any

from guardrails.waiting.interruptions import is_injected, is_raised_outside

# The frame of the one who says something, for the handlers' file names and lines.
_SPEAKER = 3


class ProgramLog:
    """Says things, and never fails: a handler of the program that raises changes no decision and hides no denial.

    What a time limit raises meanwhile still reaches the script.
    """

    def __init__(self) -> None:
        self._logger = logging.getLogger("guardrails")

    def debug(self, message: str, *values: object, **how: Any) -> None:
        """Say it at this level, as with a logger."""
        self._say(logging.DEBUG, message, values, how)

    def info(self, message: str, *values: object, **how: Any) -> None:
        """Say it at this level, as with a logger."""
        self._say(logging.INFO, message, values, how)

    def warning(self, message: str, *values: object, **how: Any) -> None:
        """Say it at this level, as with a logger."""
        self._say(logging.WARNING, message, values, how)

    def error(self, message: str, *values: object, **how: Any) -> None:
        """Say it at this level, as with a logger."""
        self._say(logging.ERROR, message, values, how)

    def _say(self, level: int, message: str, values: tuple[object, ...], how: dict[str, Any]) -> None:
        try:
            self._logger.log(level, message, *values, stacklevel=_SPEAKER, **how)
        except Exception as error:
            if is_injected(error) and not is_raised_outside(error):
                raise

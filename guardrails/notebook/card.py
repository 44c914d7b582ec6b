"""A denied call in a notebook: a card and one line instead of a traceback. `except` catches it as usual."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher

from guardrails.errors import CallDenied
from guardrails.show import code_line, decision, html, text
from guardrails.show.sentences import DENIAL, verb

_logger = logging.getLogger("guardrails")


class Cards:
    """Shows the denials of one IPython shell. A handler that was set before still gets the errors it asked for.

    A denial that a cell catches has no card; its line of the program's log is then shown below the cell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._before: tuple[Any, Any] | None = None
        self._ours: Any = None
        self._without_card: dict[str, str] = {}

    def install(self) -> None:
        """From now on, uncaught denials are shown as cards."""
        before: Any = (self._shell.custom_exceptions, getattr(self._shell, "CustomTB", None))
        self._before = before

        def handle(shell: Any, kind: Any, error: Any, traceback: Any, tb_offset: Any = None) -> Any:
            if isinstance(error, CallDenied):
                self._without_card.pop(error.decision.id, None)
                return show(shell, error, traceback)
            # Only the classes of the previous handler get here, so there is one.
            return before[1](kind, error, traceback, tb_offset=tb_offset)

        self._shell.set_custom_exc((CallDenied, *before[0]), handle)
        self._ours = self._shell.CustomTB
        _logger.addFilter(self._hold)
        self._shell.events.register("post_run_cell", self._show_held)

    def uninstall(self) -> None:
        """Restore the previous handler, unless another one has replaced ours."""
        if self._hold in _logger.filters:
            _logger.removeFilter(self._hold)
            self._shell.events.unregister("post_run_cell", self._show_held)
        if self._before is not None and self._shell.CustomTB == self._ours:
            self._shell.custom_exceptions, self._shell.CustomTB = self._before
            self._before = None

    def _hold(self, record: logging.LogRecord) -> bool:
        """Keep a denial's line until the cell ends, where nothing else takes it: its card may say the same."""
        if not hasattr(record, DENIAL) or _logger.hasHandlers():
            return True
        self._without_card[getattr(record, DENIAL)] = record.getMessage()
        return False

    def _show_held(self, *_: Any) -> None:
        lines = list(self._without_card.values())
        self._without_card.clear()
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201  (the cell's output)


def show(shell: Any, error: CallDenied, traceback: TracebackType | None) -> list[str]:
    """Publish the card, and the error as one line; if the output is captured, the error has the whole message."""
    if isinstance(shell.display_pub, CapturingDisplayPublisher):
        line = f"{type(error).__name__}: {error.paragraph}"
        shell._showtraceback(type(error), error, [line])
        return [line]
    page = decision.page(error.decision, place=code_line.of(traceback))
    bundle = {"text/html": html.card(page), "text/plain": "\n".join(text.lines(page))}
    shell.display_pub.publish(bundle)
    line = f"{type(error).__name__}: {verb(error.decision)}: {error.operation_name} (decision {error.decision.id})"
    shell._showtraceback(type(error), error, [line])
    return [line]

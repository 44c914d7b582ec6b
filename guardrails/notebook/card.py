"""A denied call in a notebook: a card, and one line instead of a traceback. `except` catches it as everywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher

from guardrails.errors import CallDenied
from guardrails.show import code_line, decision, html, text
from guardrails.show.sentences import verb


class Cards:
    """Shows the denials of one IPython shell; `put` and `take` leave a handler that was there before as it was."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._before: tuple[Any, Any] | None = None
        self._ours: Any = None

    def put(self) -> None:
        """From now on denials that nobody catches are cards."""
        before: Any = (self._shell.custom_exceptions, getattr(self._shell, "CustomTB", None))
        self._before = before

        def handle(shell: Any, kind: Any, error: Any, traceback: Any, tb_offset: Any = None) -> Any:
            if isinstance(error, CallDenied):
                return show(shell, error, traceback)
            # Only the classes of the handler before come here, so there is one.
            return before[1](kind, error, traceback, tb_offset=tb_offset)

        self._shell.set_custom_exc((CallDenied, *before[0]), handle)
        self._ours = self._shell.CustomTB

    def take(self) -> None:
        """Put the handler before back, unless somebody else has put one in the place of ours."""
        if self._before is not None and self._shell.CustomTB == self._ours:
            self._shell.custom_exceptions, self._shell.CustomTB = self._before
            self._before = None


def show(shell: Any, error: CallDenied, traceback: TracebackType | None) -> list[str]:
    """Publish the card, and the error with one line; where the output is captured, with all that there is to say."""
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

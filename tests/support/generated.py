"""The part of a page in guardrails/docs that a program writes."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

_DOCS = Path(__file__).parent.parent.parent / "guardrails" / "docs"


@frozen
class Generated:
    """What is between two comments of a page; `python -m MODULE` writes it."""

    page: str
    name: str
    module: str

    @property
    def text(self) -> str:
        """What the page has now."""
        return self._parts()[1]

    def write(self, text: str) -> None:
        """Put this into the page instead."""
        before, _, after = self._parts()
        (_DOCS / self.page).write_text(f"{before}{self._begin}\n{text}\n{self._end}{after}", "utf-8")

    @property
    def _begin(self) -> str:
        return f"<!-- {self.name}: written by python -m {self.module} -->\n"

    @property
    def _end(self) -> str:
        return f"<!-- end of {self.name} -->\n"

    def _parts(self) -> tuple[str, str, str]:
        before, _, rest = (_DOCS / self.page).read_text("utf-8").partition(self._begin)
        text, _, after = rest.partition(self._end)
        return before, text, after

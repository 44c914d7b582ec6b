"""Find the line of every key in a TOML document, for error messages.

The standard parser does not say where a key stands, and tomlkit knows it only while it parses. The standard parser has
accepted the text before, so all this has to do is tell keys from values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import Factory, define

# Names of tables and keys; items of lists have numbers, from 0.
KeyPath = tuple[str | int, ...]

# Strings and comments first, because they may contain anything; a string of several lines may end with five quotes.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""+' r"|'''.*?'''+" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'" r"|\#[^\n]*" r"|[\n\[\]{}=,.]"
    r"|[^\s\[\]{}=,.\#\"']+",
    re.DOTALL,
)  # fmt: skip


def lines_of(text: str) -> Mapping[KeyPath, int]:
    """The line, from 1, of every key, table and list item of a valid TOML document; for a table, its first mention."""
    scanner = _Scanner(_tokens(text))
    scanner.scan_document()
    return scanner.lines


def line_of(lines: Mapping[KeyPath, int], path: Sequence[str | int]) -> int | None:
    """The line of what stands at `path`, or else of the nearest table or list around it; None where there is none."""
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return None


def _tokens(text: str) -> list[tuple[str, int]]:
    """The document's tokens with their lines, without comments; it ends with a line end."""
    tokens, line, end = [], 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        if not match[0].startswith("#"):
            tokens.append((match[0], line))
    return [*tokens, ("\n", line)]


@define
class _Scanner:
    tokens: list[tuple[str, int]]
    position: int = 0
    lines: dict[KeyPath, int] = Factory(dict)
    # For each array of tables, the number of its last table so far.
    last: dict[KeyPath, int] = Factory(dict)

    @property
    def current(self) -> str:
        return self.tokens[self.position][0]

    def scan_document(self) -> None:
        table: KeyPath = ()
        while self._skip("\n"):
            if self.current == "[":
                table = self._scan_header()
            else:
                self._scan_entry(table)

    def _scan_header(self) -> KeyPath:
        """``[table]``, or ``[[table]]``, which begins the next table of an array."""
        line = self.tokens[self.position][1]
        is_array = self.tokens[self.position + 1][0] == "["
        self.position += 1 + is_array
        path: KeyPath = ()
        names = self._read_key("]")
        self.position += is_array
        for number, name in enumerate(names, 1):
            path = self._note((*path, name), line)
            if is_array and number == len(names):
                self.last[path] = self.last.get(path, -1) + 1
            if path in self.last:
                path = self._note((*path, self.last[path]), line)
        return path

    def _scan_entry(self, table: KeyPath) -> None:
        line, path = self.tokens[self.position][1], table
        for name in self._read_key("="):
            path = self._note((*path, name), line)
        self._scan_value(path)

    def _scan_value(self, path: KeyPath) -> None:
        opening = self.current
        self.position += 1
        if opening == "[":
            for number in self._members("]"):
                self._scan_value(self._note((*path, number), self.tokens[self.position][1]))
        elif opening == "{":
            for _ in self._members("}"):
                self._scan_entry(path)
        else:
            while self.current not in "\n,]}":
                self.position += 1

    def _members(self, closing: str) -> Iterator[int]:
        """The number of each member, with the scanner at its start."""
        number = 0
        while self._skip("\n,") and self.current != closing:
            yield number
            number += 1
        self.position += 1

    def _skip(self, tokens: str) -> bool:
        """Pass over these tokens; whether anything is left."""
        while self.position < len(self.tokens) and self.current in tokens:
            self.position += 1
        return self.position < len(self.tokens)

    def _read_key(self, end: str) -> list[str]:
        """A dotted key and the token behind it. The standard parser reads its quotes and escapes."""
        import tomllib  # noqa: PLC0415  (most programs have no file)

        start = self.position
        while self.current != end:
            self.position += 1
        written = "".join(token for token, _ in self.tokens[start : self.position])
        self.position += 1
        names, table = [], tomllib.loads(f"{written} = 0")
        while isinstance(table, dict):
            [(name, table)] = table.items()
            names.append(name)
        return names

    def _note(self, path: KeyPath, line: int) -> KeyPath:
        self.lines.setdefault(path, line)
        return path

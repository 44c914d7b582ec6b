"""The line that an error names is the line where the key stands, however the TOML document is written."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.config.lines import line_of, lines_of


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\n\nb.c = 2\n", {("a",): 1, ("b",): 3, ("b", "c"): 3}),
        ('[a]\n# x = 1\nx = """\nx = 2\n""\\""""\ny = 1\n', {("a",): 1, ("a", "x"): 3, ("a", "y"): 6}),
        ("a = '''\n[b]\n'''''\n[b]\n", {("a",): 1, ("b",): 4}),
        ('"a.b" = 1\n\'c"d\' = 2\n"\\u0065" = 3\n', {("a.b",): 1, ('c"d',): 2, ("e",): 3}),
        ("[ a . 'b' ]\nc = 1.5\n", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 2}),
        ("a = [\n  1, # ]\n  [2,\n  3]]\n", {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, 0): 3, ("a", 1, 1): 4}),
        ("a = { b = 1, c.d = { } }\n", {("a",): 1, ("a", "b"): 1, ("a", "c"): 1, ("a", "c", "d"): 1}),
        (
            "[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 1\n[[a.e]]\n",
            {
                ("a",): 1,
                ("a", 0): 1,
                ("a", 0, "b"): 2,
                ("a", 1): 3,
                ("a", 1, "c"): 4,
                ("a", 1, "c", "d"): 5,
                ("a", 1, "e"): 6,
                ("a", 1, "e", 0): 6,
            },
        ),
        ("a = 1979-05-27 07:32:00 # [x]\r\nb = 1\r\n", {("a",): 1, ("b",): 2}),
        ("a = 1", {("a",): 1}),
        ("", {}),
    ],
)
def test_every_way_to_write_a_key(text, lines):
    """Keys, tables and list items have their lines; what only looks like a key, in a string or a comment, has none."""
    tomllib.loads(text)
    assert lines_of(text) == lines


def test_nearest():
    """What has no line of its own has the line of what it stands in."""
    lines = lines_of("\n[params]\nx = 1\n")
    assert line_of(lines, ("params", "x", "y")) == 3
    assert line_of(lines, ("params", "z")) == 2
    assert line_of(lines, ("other",)) is None


NAMES = st.text("ab.=#[]{}\"' é\\-1", max_size=4)
SCALARS = st.sampled_from(
    ["1", "-1.5e3", "true", "1979-05-27T07:32:00Z", '"[x]\\n\\" = 1 # }"', "'[x] = {'", '"""\n[x]\n# \\""" x = 1"""',
     "'''\n'a' = 1,\n]''''", '""', "''"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3)
NOISE = ["", "\n", '# x = 1 [y] "\n', "\n\n# '''\n"]


class Writer:
    """Writes a document, and notes the line of each thing that it writes."""

    def __init__(self, draw):
        self.draw = draw
        self.text = ""
        self.lines = {}

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def note(self, path):
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def name(self, name):
        literal = f"'{name}'" if "'" not in name else json.dumps(name)
        bare = name if name and set(name) <= set("ab-1") else literal
        return self.pick(json.dumps(name), literal, bare)

    def document(self, tables):
        for name, table in tables.items():
            if not self.pick(True, False):
                # A table of its own, or the first of an array of tables.
                opening, path = self.pick(("[", (name,)), ("[[", (name, 0)))
                self.text += self.pick(*NOISE)
                self.note((name,))
                self.note(path)
                closing = opening.replace("[", "]")
                self.text += f"{opening}{self.pick('', ' ')}{self.name(name)}{closing}\n"
                self.entries(path, table)
            elif table and not self.text:
                # Dotted keys, which stand before all tables.
                for inner, value in table.items():
                    self.note((name,))
                    self.note((name, inner))
                    self.text += f"{self.name(name)}{self.pick('.', ' . ')}{self.name(inner)} = "
                    self.value((name, inner), value)
                    self.text += self.pick("\n", " # [z]\n")

    def entries(self, table, values):
        for name, value in values.items():
            self.text += self.pick(*NOISE)
            self.note((*table, name))
            self.text += f"{self.pick('', '  ')}{self.name(name)}{self.pick('=', ' = ')}"
            self.value((*table, name), value)
            self.text += self.pick("\n", " # 'z' = [\n", "\n\n")

    def value(self, path, value):
        if isinstance(value, str):
            self.text += value
        elif isinstance(value, list):
            self.text += "["
            for number, item in enumerate(value):
                self.text += self.pick("", " ", "\n", " # ], x\n")
                self.note((*path, number))
                self.value((*path, number), item)
                self.text += self.pick(",", " ,", "\n,")
            self.text += "]"
        else:
            self.text += "{"
            for number, (name, item) in enumerate(value.items()):
                self.text += ", " if number else " "
                self.note((*path, name))
                self.text += f"{self.name(name)} = "
                self.value((*path, name), item)
            self.text += "}"


def paths(value, path=()):
    """The path of everything inside a parsed document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in members:
        yield (*path, step)
        yield from paths(inner, (*path, step))


@given(st.data(), TABLES)
def test_lines_of_any_document(data, tables):
    """In a random document, every key, table and list item that the standard parser sees has its line."""
    writer = Writer(data.draw)
    writer.document(tables)
    assert set(paths(tomllib.loads(writer.text))) == set(lines_of(writer.text)), writer.text
    assert lines_of(writer.text) == writer.lines, writer.text

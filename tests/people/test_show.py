"""What decisions and the live cluster look like: text, HTML and rich, all from one list of sections."""

from __future__ import annotations

from html.parser import HTMLParser
from io import StringIO

import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from guardrails.show import displayed, html, text  # noqa: F401  (displayed gives Page its renderers)
from guardrails.show.page import Page, Section

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


@st.composite
def pages(draw):
    sections = []
    for _ in range(draw(st.integers(0, 3))):
        columns = tuple(draw(st.lists(st.text("abc", min_size=1, max_size=8), max_size=5)))
        width = len(columns)
        rows = draw(st.lists(st.tuples(*[TEXTS] * width), max_size=3)) if columns else []
        sections.append(Section(draw(TEXTS), tuple(draw(st.lists(TEXTS, max_size=2))), columns, tuple(rows)))
    return Page(draw(TEXTS), draw(TEXTS), draw(st.sampled_from(["allow", "warn", "deny", "live"])), tuple(sections))


class Reader(HTMLParser):
    """The tags of a page, and its text outside of its style."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self._quiet = set(), "", False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self._quiet = tag == "style"

    def handle_endtag(self, tag):
        self._quiet = False

    def handle_data(self, data):
        self.text += "" if self._quiet else data


def told(page):
    """Everything that a page has to say, in order."""
    yield page.title
    yield page.subject
    for section in page.sections:
        yield section.title
        for row in section.rows:
            yield from row
        yield from section.lines


@given(pages())
@example(Page("a", "", "deny", (Section("b", (), ("c",), (("",),)),)))
def test_html_says_it_all_and_nothing_is_markup(page):
    """Whatever a text holds is text in the card, all of it, and the card's tags are its own."""
    card = Reader(html.card(page))
    assert card.tags <= {"style", "div", "p", "span", "h4", "table", "tr", "th", "td"}
    for said in told(page):
        assert said in card.text


@given(pages())
@example(Page("a", "", "deny", (Section("b", (), ("c",), (("",),)),)))
def test_plain_text_says_it_all(page):
    """Plain text has every letter of it, within its columns; only a single longer word is wider."""
    lines = [*text.lines(page)]
    flat = "".join("".join(lines).split())
    for said in told(page):
        # A narrow column breaks a text over lines, between those of its neighbours.
        assert all(letter in flat for letter in said if not letter.isspace())
    assert all(wcwidth.width(line) <= text.WIDTH or len(line.split()) == 1 for line in lines)


IDS = st.from_regex(r"(i|subnet|eipalloc)-[0-9a-f]{17}", fullmatch=True)
NAMES = st.text("abc-日本 ", max_size=60)


@given(st.lists(st.tuples(IDS, NAMES, st.sampled_from(["running", "stopped"]), NAMES, IDS), min_size=1, max_size=3))
def test_no_id_is_torn_apart(rows):
    """However long the names beside them are, ids stay whole, within 78 columns."""
    section = Section("Machines", (), ("id", "name", "state", "cluster", "carries"), tuple(rows))
    lines = [*text.lines(Page("t", "", "deny", (section,)))]
    for row in rows:
        for one in (row[0], row[4]):
            assert any(one in line for line in lines)
    assert max(map(wcwidth.width, lines)) <= text.WIDTH


@given(st.lists(st.tuples(IDS, NAMES, IDS), min_size=1, max_size=3), IDS, st.integers(30, 100))
def test_no_id_is_broken_at_a_narrow_terminal(rows, one, width):
    """At any terminal that is wider than an id, every id of a table or a sentence is on one line."""
    section = Section("Machines", (f"Check {one}, and the others.",), ("id", "name", "carries"), tuple(rows))
    out = Console(file=StringIO(), width=width, color_system=None)
    out.print(Page(f"Blocked: {one}", f"StopInstances on {one} in eu-west-1", "deny", (section,), f"decision {one}"))
    lines = out.file.getvalue().splitlines()
    assert sum(one in line for line in lines) >= 4
    assert all(any(cell in line for line in lines) for row in rows for cell in (row[0], row[2]))


@given(pages())
@example(Page("a", "", "deny", (Section("b", (), ("c",), (("",),)),)))
def test_rich_takes_nothing_for_markup(page):
    """Brackets in a text are brackets on the terminal."""
    out = Console(file=StringIO(), width=300, color_system=None)
    out.print(page)
    shown = "".join(out.file.getvalue().split())
    assert "".join(page.title.split()) in shown


def test_looking_asks_nobody(site, aws, install):
    """A decision and the live cluster can be looked at in every form without a request."""
    guard = install()
    decision = guard.check(site.ec2, "TerminateInstances", InstanceIds=list(site.blue.instance_ids))
    facts = guard.live(site.ec2)
    aws.clear()
    first = decision._repr_html_()
    for shown in (decision, facts):
        assert "blue" in shown._repr_html_()
        out = Console(file=StringIO(), width=80)
        out.print(shown)
        assert "blue" in out.file.getvalue()
    assert decision._repr_html_() == first
    assert aws.requests == ()

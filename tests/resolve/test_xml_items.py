"""An item that comes again in an answer is not parsed again, and the answer is the one that botocore reads."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from guardrails.aws import xml_items
from guardrails.aws.xml_answers import XmlAnswers
from guardrails.aws.xml_items import with_only
from guardrails.resolve.machine import machines_of

SHAPE = botocore.session.Session().get_service_model("ec2").operation_model("DescribeInstances").output_shape
ROOT = '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'


def reservation(number: int, *, state: str = "running", extra: str = "") -> str:
    """A reservation with one machine, which has lists of its own."""
    tags = "".join(f"<item><key>t{each}</key><value>{number}</value></item>" for each in range(2))
    return (
        f"<item><reservationId>r-{number}</reservationId><groupSet/><instancesSet><item><instanceId>i-{number}"
        f"</instanceId><instanceState><name>{state}</name></instanceState><launchTime>2026-10-01T12:00:00.000Z"
        f"</launchTime><tagSet>{tags}</tagSet>{extra}</item></instancesSet></item>"
    )


def document(items, *, root: str = ROOT, space: str = "", before: str = "<requestId>r</requestId>", after: str = ""):
    """An answer of DescribeInstances."""
    inside = "".join(f"{space}{item}" for item in items)
    return f"{root}{before}<reservationSet>{inside}{space}</reservationSet>{after}</DescribeInstancesResponse>".encode()


def read(factory, body):
    """What a factory's parser returns, or that it fails; None is botocore's own."""
    parser = create_parser("ec2") if factory is None else factory.create_parser("ec2")
    try:
        return parser.parse({"body": body, "headers": {}, "status_code": 200}, SHAPE)
    except Exception as error:
        return type(error)


def shown(value):
    """Comparable: of a value that appears twice, botocore returns the elements."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return (value.tag, value.text) if isinstance(value, Element) else value


USUAL = [reservation(number, state=state) for number in range(4) for state in ("running", "stopped")]
ODD = [
    "<item/>", "<item></item>", "<item >", "</item>", "<item", "text", "<other><item/></other>", "<item a='1'/>",
    reservation(7, extra="<!-- <item> -->"), reservation(7, extra="<![CDATA[</item>]]>"),
    reservation(7, extra="<?x </item>?>"), reservation(7, extra="<instanceId>twice</instanceId>"),
    reservation(7, extra="<reservationSet><item/></reservationSet>"), reservation(7, extra="<a:b/>"),
    reservation(7).replace("</item>", "</item >"), "<!-- <item>between</item> -->", "<x:item xmlns:x='y'/>",
]  # fmt: skip
ROOTS = [ROOT, "<R>", "<R xmlns='x'>", "<R><deeper>", '<?xml version="1.0" encoding="UTF-8"?>\n' + ROOT,
         '<?xml version="1.0" encoding="iso-8859-1"?>' + ROOT, "<!DOCTYPE R [<!ENTITY e 'x'>]>" + ROOT]  # fmt: skip
AROUND = ["", "<nextToken>n</nextToken>", "<reservationSet/>", "<reservationSet><item/></reservationSet>",
          "<deep><reservationSet><item/></reservationSet></deep>", "<!-- <reservationSet> -->"]  # fmt: skip


@st.composite
def answers(draw):
    """A few answers, one after the other, that have items in common; half of them are as AWS writes them."""
    items = st.lists(st.sampled_from(USUAL), max_size=6)
    usual = items.map(document) | st.tuples(items, st.sampled_from(["\n    ", " "])).map(
        lambda pair: document(pair[0], space=pair[1])
    )
    odd = st.builds(
        document,
        st.lists(st.sampled_from([*USUAL, *ODD]), max_size=5),
        root=st.sampled_from(ROOTS),
        before=st.sampled_from(AROUND),
        after=st.sampled_from(AROUND),
    )
    return draw(st.lists(usual | odd, min_size=2, max_size=6))


@given(answers())
def test_answers_that_share_items(bodies):
    """Each of several answers reads as from botocore's own parser, whatever came before it."""
    factory = XmlAnswers()
    # Of the first answer of an operation nothing is kept.
    read(factory, document([]))
    for body in bodies:
        assert shown(read(factory, body)) == shown(read(None, body))


def machines(answer):
    """The machines in an answer, by id."""
    return {each["Instances"][0]["InstanceId"]: each for each in answer["Reservations"]}


@pytest.fixture
def factory():
    """A factory that has read its first answer, of which a second one is divided."""
    made = XmlAnswers()
    read(made, document([reservation(9)]))
    return made


@pytest.mark.parametrize("space", ["", "\n        "])
def test_only_what_has_changed_is_read(factory, space):
    """Of a machine that is as before the same object comes; one that has changed is read, and the order is kept."""
    before = read(factory, document([reservation(1), reservation(2), reservation(3)], space=space))
    changed = [reservation(3), reservation(2, state="stopped"), reservation(4), reservation(1)]
    after = read(factory, document(changed, space=space))
    assert list(machines(after)) == ["i-3", "i-2", "i-4", "i-1"]
    assert [name for name in ("i-1", "i-2", "i-3") if machines(after)[name] is machines(before)[name]] == ["i-1", "i-3"]
    assert machines(after)["i-2"]["Instances"][0]["State"]["Name"] == "stopped"


def test_the_same_bytes_in_another_document(factory):
    """An item is not taken for the same one under another default namespace."""
    body = document([reservation(1)])
    other = body.replace(b"2016-11-15", b"2013-10-15")
    assert machines(read(factory, body))["i-1"] is machines(read(factory, body))["i-1"]
    assert machines(read(factory, body))["i-1"] is not machines(read(factory, other))["i-1"]


def test_what_is_kept_has_an_end(factory, monkeypatch):
    """Beyond its bound the items of the oldest answers are forgotten, and read anew when they come again."""
    monkeypatch.setattr(xml_items, "_MOST_KEPT", len(reservation(1)) * 3)
    first = machines(read(factory, document([reservation(1)])))["i-1"]
    read(factory, document([reservation(2), reservation(3)]))
    assert machines(read(factory, document([reservation(1)])))["i-1"] is first
    read(factory, document([reservation(number) for number in (2, 3, 4)]))
    assert machines(read(factory, document([reservation(1)])))["i-1"] is not first


def test_what_is_kept_is_as_large_as_the_account(factory, monkeypatch):
    """Of machines that change again and again only the latest answers are kept: three times what the largest had."""
    monkeypatch.setattr(xml_items, "_LEAST_KEPT", 0)
    first = machines(read(factory, document([reservation(1)])))["i-1"]
    read(factory, document([reservation(2)]))
    assert machines(read(factory, document([reservation(1)])))["i-1"] is first
    for number in range(2, 6):
        read(factory, document([reservation(number)]))
    assert machines(read(factory, document([reservation(1)])))["i-1"] is not first


def test_pages_of_an_unchanged_list(factory):
    """A list of several pages is not read again, though it is larger than each of its answers."""
    pages = [document([reservation(10 * page + number) for number in range(10)]) for page in range(1, 8)]
    before = [machines(read(factory, page)) for page in pages]
    after = [machines(read(factory, page)) for page in pages]
    assert all(new[name] is old[name] for new, old in zip(after, before, strict=True) for name in old)


@pytest.mark.parametrize("body", [document([reservation(1)]), document([reservation(1)], after="<!-- odd -->")])
@pytest.mark.parametrize("first", [True, False])
def test_a_machine_is_read_once(factory, body, first):
    """What an instance says is kept with its reservation, also with one that shows only some of its machines."""
    (item,) = read(XmlAnswers() if first else factory, body)["Reservations"]
    (machine,) = machines_of(item)
    (again,), (part,) = machines_of(item), machines_of(with_only(item, "Instances", item["Instances"]))
    assert machine is not again
    assert machine.tags is again.tags is part.tags


@pytest.mark.parametrize(
    "inside", ["<reservationSet/>{}", "<reservationSet a='1'/>{}", "{}<reservationSet></reservationSet>"]
)
def test_a_list_that_is_not_the_answers(factory, inside):
    """Items that are known are not put into the answer where another element has them, and its own list has none."""
    read(factory, document([reservation(9)]))
    deeper = f"<deeper><reservationSet>{reservation(9)}</reservationSet></deeper>"
    body = f"{ROOT}{inside.format(deeper)}</DescribeInstancesResponse>".encode()
    assert read(factory, body) == read(None, body)
    assert read(factory, body)["Reservations"] == []


def test_tags_in_comments(factory):
    """A tag in a comment does not make one item of two."""
    body = document([reservation(7, extra="<!-- <item> -->"), reservation(8, extra="<!-- </item> -->")])
    assert list(machines(read(factory, body))) == ["i-7", "i-8"]

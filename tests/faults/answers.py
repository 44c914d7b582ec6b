"""What can become of the answer to a look-up: each function is one fault."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree import ElementTree as ET

from attrs import evolve

from tests.faults.proxy import Answer, Exchange, Response

# What the items of a list are called, in the answers of EC2, Elastic Load Balancing and RDS.
_ITEMS = ("item", "member", "DBInstance")


# -- no answer ------------------------------------------------------------------------------------------------------


def lost(exchange: Exchange) -> None:
    """The connection closes without an answer."""
    exchange.hang_up()


def silent(exchange: Exchange) -> None:
    """Nothing comes."""
    exchange.over.wait()
    exchange.hang_up()


def dripping(exchange: Exchange) -> None:
    """A byte comes now and then: no single read takes long."""
    response = exchange.forward()
    exchange.send(evolve(response, body=b""), length=len(response.body))
    for byte in response.body:
        if exchange.over.wait(0.05):
            return
        try:
            exchange.handler.wfile.write(bytes([byte]))
        except OSError:
            return


def unheard(exchange: Exchange) -> None:
    """The request is carried out, and the connection closes without an answer."""
    exchange.forward()
    exchange.hang_up()


def reset(exchange: Exchange) -> None:
    """The connection is reset before the request is carried out."""
    exchange.reset()


def twice(exchange: Exchange) -> None:
    """The request arrives twice; the answer is that of the second time."""
    exchange.forward()
    exchange.send(exchange.forward())


def refused(status: int, code: str) -> Answer:
    """AWS's error, in the protocol of the request."""

    def answer(exchange: Exchange) -> None:
        if exchange.request.startswith(b"Action="):
            error = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
            body = f"<Response><Errors>{error}</Errors>{error}<RequestID>1</RequestID></Response>"
            exchange.send(Response(status, {"Content-Type": "text/xml"}, body.encode()))
        else:
            body = json.dumps({"__type": code, "message": "refused"})
            exchange.send(Response(status, {"Content-Type": "application/x-amz-json-1.1"}, body.encode()))

    return answer


def late(seconds: float) -> Answer:
    """The true answer, `seconds` after the request."""

    def answer(exchange: Exchange) -> None:
        exchange.over.wait(seconds)
        exchange.send(exchange.forward())

    return answer


def sometimes(chance: random.Random, share: float, *faults: Answer) -> Answer:
    """One of the faults for this share of requests, and the true answer for the others."""

    def answer(exchange: Exchange) -> None:
        (chance.choice(faults) if chance.random() < share else late(0))(exchange)

    return answer


# -- an answer that is none -----------------------------------------------------------------------------------------


def document(change: Callable[[str], str]) -> Answer:
    """Status 200 with another document than AWS's."""

    def answer(exchange: Exchange) -> None:
        response = exchange.forward()
        exchange.send(evolve(response, body=change(response.body.decode()).encode()))

    return answer


def cut(exchange: Exchange) -> None:
    """The body ends before its announced length."""
    response = exchange.forward()
    exchange.send(evolve(response, body=response.body[: len(response.body) // 2]), length=len(response.body))
    exchange.hang_up()


def nothing(_: str) -> str:
    """An empty body."""
    return ""


def hollow(text: str) -> str:
    """The root element of the answer, with nothing in it."""
    return re.sub(r"(<\w+Response[^>]*>).*(</\w+>)", r"\1\2", text, flags=re.DOTALL) if _is_xml(text) else "{}"


def foreign(text: str) -> str:
    """A sign-in page, or what a proxy says in JSON."""
    return "<html><body>Please sign in</body></html>" if _is_xml(text) else '{"message": "Please sign in"}'


def half(text: str) -> str:
    """The first half of the document."""
    return text[: len(text) // 2]


# -- an answer that says less, or something else ----------------------------------------------------------------------


def without(ids: Iterable[str]) -> Callable[[str], str]:
    """Whatever mentions one of these is missing from the lists."""
    ids = tuple(ids)
    return lambda text: _lists(text, lambda items: [item for item in items if not any(each in item for each in ids)])


def empty(text: str) -> str:
    """The lists are there, and have nothing in them."""
    return _lists(text, lambda _: [])


def first_page(text: str) -> str:
    """The first half of each list, without a token for the rest."""
    return _lists(text, lambda items: items[: max(1, len(items) // 2)])


def other_types(text: str) -> str:
    """Strings where there should be structures."""
    return _lists(text, lambda items: ["<item>?</item>" if _is_xml(text) else '"?"' for _ in items])


def of_another_account(text: str) -> str:
    """The same kind of world with other ids."""
    moved = re.sub(r"(?<=-)[0-9a-f]{17}", lambda id_: id_[0].translate(_TURNED), text)
    return moved.replace("123456789012", "210987654321")


_TURNED = str.maketrans("0123456789abcdef", "123456789abcdef0")


def _is_xml(text: str) -> bool:
    return text.lstrip().startswith("<")


def _lists(text: str, change: Callable[[list[str]], list[str]]) -> str:
    """The document, with the items of its outermost lists changed; each item is given and returned as a document."""
    if not _is_xml(text):
        content = json.loads(text)
        for name, value in content.items():
            if isinstance(value, list):
                content[name] = [json.loads(item) for item in change([json.dumps(item) for item in value])]
        return json.dumps(content)
    root = ET.fromstring(text)
    for outer in _outermost(root):
        items = change([ET.tostring(item, "unicode") for item in outer])
        tag = outer[0].tag
        outer[:] = [ET.fromstring(item) for item in items]
        for item in outer:
            item.tag = tag
    return ET.tostring(root, "unicode")


def _outermost(element: Any) -> list[Any]:
    if len(element) and all(child.tag.rpartition("}")[2] in _ITEMS for child in element):
        return [element]
    return [each for child in element for each in _outermost(child)]

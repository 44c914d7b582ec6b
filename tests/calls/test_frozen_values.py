"""`values.frozen` makes the classes that `attrs.frozen` makes, without compiling what they share."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

from guardrails import values


class _Plain:
    name: str
    number: int = 0
    hidden: str = attrs.field(default="x", repr=False, eq=False)
    _inner: tuple[Any, ...] = ()


def _made(by: Any, **options: Any) -> Any:
    return by(**options)(type("Made", (), dict(vars(_Plain))))


OURS, THEIRS = _made(values.frozen), _made(attrs.frozen)
ORDERED = _made(values.frozen, order=True)
SAME = _made(values.frozen, eq=False)


@values.frozen
class Alone:
    """One field."""

    inner: Any


@values.frozen
class Further(Alone):
    """A field of its own and one of its base."""

    more: int = 1


@values.frozen
class Empty:
    """No field."""


@values.frozen
class Own:
    """Methods of its own, which stay."""

    name: str

    def __repr__(self) -> str:
        return "mine"

    def __eq__(self, other: object) -> bool:
        return other == self.name

    __hash__ = object.__hash__


@pytest.mark.parametrize("made", [OURS, THEIRS], ids=["ours", "attrs"])
def test_it_does_what_attrs_does(made):
    """Repr, equality and hash leave out the same fields; an instance cannot be changed, and evolves."""
    one = made("a", hidden="1")
    assert len({one, made("a", hidden="2"), made("a", inner=("b",))}) == 2
    assert one not in (made("b"), "a", ("a", 0, ()))
    assert repr(made("a", inner=("b",))) == "Made(name='a', number=0, _inner=('b',))"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.name = "b"
    assert attrs.evolve(one, number=3) == made("a", 3)
    assert pickle.loads(pickle.dumps(Further(one.name))) == copy.deepcopy(Further("a"))
    with pytest.raises(TypeError, match="unhashable"):
        hash(made("a", inner=([],)))


EQUAL = [(Alone(1), Alone(1)), (Further(1, 2), Further(1, 2)), (Empty(), Empty()), (ORDERED("a"), ORDERED("a"))]
DIFFERENT = [
    (Alone(1), Alone(2)),
    (Alone(1), Further(1)),
    (OURS("a"), _made(values.frozen)("a")),
    (SAME("a"), SAME("a")),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal(one, other):
    """One field, none, inherited ones, and a class with an order."""
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    """Another value, a subclass, another class with the same fields, and a class that compares by identity."""
    assert one != other
    assert len({one, other}) == 2


def test_what_a_class_has_of_its_own_stays():
    """Its repr, its comparison, its order; and a value that holds itself is shown with an ellipsis."""
    assert (repr(Own("a")), Own("a")) == ("mine", "a")
    assert ORDERED("a") < ORDERED("b")
    around: list[Any] = []
    around.append(Further(Alone(around)))
    assert repr(around[0]) == "Further(inner=Alone(inner=[...]), more=1)"

"""A DynamoDB table in memory, in virtual time, for many simulated hosts, of which one runs at a time.

It is exact about what the shared memory rests on: an update of one item, with its condition and what it returns, is
made at once and whole. At every request the scheduler may run another host, lose the request or the answer, repeat the
request as a retry does, or kill the host.
"""

from __future__ import annotations

import contextlib
import copy
import heapq
import random
import re
import threading
from collections.abc import Callable
from typing import Any

from guardrails.memory.dynamodb.table import ConditionFailed, Table
from guardrails.memory.store import StateUnavailable

# What may become of a request; "" is nothing unusual.
FAULTS = ("request lost", "killed before", "repeated", "answer lost", "killed after")
_CLAUSE = re.compile(r"(SET|ADD|REMOVE|DELETE) (.*?)(?= SET | ADD | REMOVE | DELETE |$)")


class Killed(BaseException):
    """The host is gone."""


class World:
    """The table's items, the time, and the hosts that take turns."""

    def __init__(self, seed: int, faults: float = 0.0, ignored: str = "") -> None:
        """`faults` is how likely each fault is at a request; updates lose conditions that begin with `ignored`.

        With "whole" instead of a condition, they return what was read before other hosts came between.
        """
        self.chance = random.Random(seed)
        self.items: dict = {}
        self.now = 1_700_000_000.0
        # Those of liveness, as they are written.
        self.epochs: list[float] = []
        self.faults, self.ignored = faults, ignored
        # The conditions of updates, as they were made.
        self.conditions: set[str] = set()
        self.stopped = False
        # What went wrong in a host, other than that it was killed.
        self.failed: list[BaseException] = []
        # A host waits for its own lock, and the scheduler for its own.
        self._locks: dict[threading.Thread, threading.Semaphore] = {}
        self._idle = threading.Semaphore(0)
        self._asleep: list = []
        self._fell_asleep = False

    def run(self, hosts: list[Callable[[], None]], step_s: float) -> None:
        """Run the hosts to their ends; about `step_s` seconds pass between two requests."""
        awake = [self.begin(host) for host in hosts]
        while awake or self._asleep:
            self.now += self.chance.expovariate(1 / step_s)
            while self._asleep and (not awake or self._asleep[0][0] <= self.now):
                wakes_at, _, thread = heapq.heappop(self._asleep)
                self.now = max(self.now, wakes_at)
                awake.append(thread)
            number = self.chance.randrange(len(awake))
            if not self.step(awake[number]) or self._fell_asleep:
                self._fell_asleep = False
                awake[number] = awake[-1]
                awake.pop()

    def begin(self, host: Callable[[], None]) -> threading.Thread:
        """Start a host, which waits for its first step."""
        thread = threading.Thread(target=self._body, args=(host,), daemon=True)
        self._locks[thread] = threading.Semaphore(0)
        thread.start()
        return thread

    def step(self, thread: threading.Thread) -> bool:
        """Let a host run to its next request; False at its end. Raises what the host did."""
        self._locks[thread].release()
        self._idle.acquire()
        for error in self.failed:
            raise error
        return thread in self._locks

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        me = threading.current_thread()
        heapq.heappush(self._asleep, (self.now + seconds, self.chance.random(), me))
        self._fell_asleep = True
        self.pause()

    def pause(self) -> None:
        """Let other hosts run."""
        mine = self._locks.get(threading.current_thread())
        if mine is not None:
            self._idle.release()
            mine.acquire()

    def fault(self) -> str:
        """What becomes of the next request."""
        number = int(self.chance.random() / self.faults) if self.faults else len(FAULTS)
        return FAULTS[number] if number < len(FAULTS) else ""

    def request(self, act: Callable[[], Any], *, repeats: bool = True) -> Any:
        """Do it as a request of a host, which may come twice if it `repeats`."""
        if threading.current_thread() not in self._locks:
            return act()
        self.pause()
        fault = self.fault()
        if self.stopped or fault == "request lost":
            raise StateUnavailable("the request was lost")
        if fault == "killed before":
            raise Killed
        if fault == "repeated" and repeats:
            with contextlib.suppress(ConditionFailed):
                act()
            self.pause()
        result = act()
        if fault == "answer lost":
            raise StateUnavailable("the answer was lost")
        if fault == "killed after":
            raise Killed
        return result

    def _body(self, host: Callable[[], None]) -> None:
        me = threading.current_thread()
        self._locks[me].acquire()
        try:
            with contextlib.suppress(Killed):
                host()
        except BaseException as error:  # the thread that steps raises it
            self.failed.append(error)
        finally:
            del self._locks[me]
            self._idle.release()


class SimulatedTable:
    """What a host sees of the table; its clock is `ahead_s` seconds wrong."""

    def __init__(self, world: World, ahead_s: float = 0.0) -> None:
        self.world, self.ahead_s = world, ahead_s

    def now(self, local: float) -> float:
        return local - self.ahead_s

    def in_time(self):
        return contextlib.nullcontext()

    def unavailable(self, why: str, fix: str = "") -> StateUnavailable:
        return StateUnavailable(why)

    # An update as well.
    remove = Table.remove

    def items(self, keys):
        return self.world.request(
            lambda: {key: copy.deepcopy(self.world.items[key]) for key in keys if key in self.world.items}
        )

    def query(self, partition, prefix="", *, most=None):
        def read():
            keys = sorted(key for key in self.world.items if key[0] == partition and key[1].startswith(prefix))
            return [(key, copy.deepcopy(self.world.items[key])) for key in keys[::-1][:most]]

        return self.world.request(read)

    def update(self, key, expression, values, names, *, condition=None, whole=False, expires=False):
        early = copy.deepcopy(self.world.items.get(key, {}))

        def write():
            item = self.world.items.get(key)
            self.world.conditions.add(condition or "")
            if not self._ignores(condition) and not _holds(condition, item, names, values):
                raise ConditionFailed
            after = self.world.items.setdefault(key, {})
            _apply(expression, after, names, values)
            if "epoch" in names.values():
                self.world.epochs.append(after["epoch"])
            if whole and self.world.ignored == "whole":
                _apply(expression, early, names, values)
                return early
            return copy.deepcopy(after)

        return self.world.request(write)

    def _ignores(self, condition):
        ignored = self.world.ignored
        return condition is None or (bool(ignored) and condition.startswith(ignored))


def _apply(expression, item, names, values):
    for verb, parts in _CLAUSE.findall(expression):
        for part in parts.split(", "):
            if verb == "REMOVE":
                item.pop(names[part[1:]], None)
            elif verb == "SET":
                left, right = part.split(" = ")
                item[names[left[1:]]] = _value(right, item, names, values)
            else:
                left, right = part.split()
                name, value = names[left[1:]], values[right[1:]]
                if isinstance(value, (int, float)):
                    item[name] = item.get(name, 0) + value
                elif verb == "ADD":
                    item[name] = item.get(name, frozenset()) | value
                else:
                    item[name] = item.get(name, frozenset()) - value


def _value(text, item, names, values):
    first, *rest = text.split()
    if first[0] != ":" and names[first[1:]] not in item:
        raise StateUnavailable("the expression refers to an attribute that does not exist")
    value = values[first[1:]] if first[0] == ":" else item[names[first[1:]]]
    if rest:
        sign, second = rest
        value += values[second[1:]] if sign == "+" else -values[second[1:]]
    return copy.deepcopy(value)


def _holds(condition, item, names, values):
    if " OR " in condition:
        return any(_holds(part, item, names, values) for part in condition.split(" OR "))
    if match := re.fullmatch(r"#(\w+) BETWEEN :(\w+) AND :(\w+)", condition):
        name, least, most = match.groups()
        return item is not None and names[name] in item and values[least] <= item[names[name]] <= values[most]
    if " AND " in condition:
        return all(_holds(part, item, names, values) for part in condition.split(" AND "))
    if match := re.fullmatch(r"attribute_(not_)?exists\((\S+)\)", condition):
        absent, name = match.groups()
        there = item is not None and (name == "pk" or names[name[1:]] in item)
        return there != bool(absent)
    name, sign, value = condition.split()
    if item is None or names[name[1:]] not in item:
        return False
    left, right = item[names[name[1:]]], values[value[1:]]
    return left < right if sign == "<" else left == right

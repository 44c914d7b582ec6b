"""Several OPA servers as one engine: the first that works decides, all within one deadline.

One that fails is passed over until it has shown in the background that it works again. All have to have the same
revision of the policies: a server that was left behind must not decide.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evaluate import last_revision
from guardrails.evaluate.engine import Engine, EngineFailure, Evaluation, read_result
from guardrails.evaluate.opa_server import NO_BUNDLE, OpaServer
from guardrails.waiting import deadline, threads
from guardrails.waiting.clock import monotonic
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Before a server that failed is tried again, in the background.
_PAUSE_S = 5.0


@define(eq=False)
class _Place:
    """A server, whether it has shown that it may decide, and when to try it again (monotonic) after it failed."""

    server: OpaServer
    verified: bool = False
    failed: bool = False
    again: float = 0.0
    # The process that tries it: a fork has no thread of its parent's.
    trying: int = 0

    def fail(self) -> None:
        """It may be started again with something else, so it has to show it again."""
        self.verified, self.failed, self.again = False, True, monotonic() + _PAUSE_S


class OpaServers:
    """Engine. `revision` is the one of the last answer."""

    def __init__(
        self,
        servers: Sequence[OpaServer],
        timeout_s: float,
        verify: Callable[[OpaServer], None],
        fallback: Engine | None = None,
    ) -> None:
        """`verify` raises where a server may not decide; `fallback` decides where none answers. See `start`."""
        self.revision = ""
        self._places = [_Place(server) for server in servers]
        self._urls = [server.url for server in servers]
        self._timeout_s, self._verify, self._fallback = timeout_s, verify, fallback
        self._last: OpaServer | None = None
        self._fell_back = False

    def start(self, report: Callable[[str], None] | None) -> None:
        """Verify every server that answers; `report` gets a sentence about each other one.

        Raises PolicyError where none answers and the fallback does not decide, PolicyError or ConfigError where one may
        not decide.
        """
        failures = []
        for place in self._places:
            try:
                self._prove(place)
            except EngineFailure as error:
                failures.append(str(error))
                place.fail()
        if len(failures) == len(self._places):
            self._start_without("; ".join(failures), report)
            return
        for failure in failures:
            if report is not None:
                report(f"{failure}. It is not asked until that is corrected; the others decide")
        if self._fallback is not None and self._fallback.revision != self.revision and report is not None:
            report(self._fallback_differs(self._fallback))

    def _start_without(self, failures: str, report: Callable[[str], None] | None) -> None:
        """Start with the fallback, if it has the revision that the servers had when this host last saw them."""
        if self._fallback is None:
            raise PolicyError(f"{failures}. Make one of them answer, or set opa.fallback")
        self.revision = last_revision.read(self._urls)
        if not self.revision:
            raise PolicyError(
                f"{failures}. opa.fallback does not decide: no server has answered this host yet, so it is unknown "
                'whether they have its policies. Make one of them answer once, or set engine = "embedded"'
            )
        if self._fallback.revision != self.revision:
            raise PolicyError(f"{failures}. {self._fallback_differs(self._fallback)}")
        if report is not None:
            report(f"{failures}. The policies in this process decide, which have the revision that the servers had")

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """The result document of the first server that works. Raises EngineFailure."""
        until, failures = Deadline(deadline.left(self._timeout_s)), list[str]()
        failed = [place for place in self._places if place.failed]
        # Those that failed before get what time is left: they are better than no decision.
        for group in ([place for place in self._places if not place.failed], failed):
            for number, place in enumerate(group):
                try:
                    with deadline.within(Deadline(until.left() / (len(group) - number))):
                        answer = self._ask(place, document)
                except (EngineFailure, GuardrailsError) as error:
                    failures.append(str(error))
                    place.fail()
                else:
                    self._try_again(failed)
                    return answer
        return self._without_servers(document, "; ".join(dict.fromkeys(failures)))

    def _ask(self, place: _Place, document: Mapping[str, Any]) -> Evaluation:
        if not deadline.left(1.0):
            raise EngineFailure(f"there was no time left to ask OPA at {place.server.url}")
        self._prove(place)
        answer = place.server.evaluate(document)
        # An answer of another shape is no decision; the next server may have one.
        read_result(answer.result)
        self._accept(place.server, decides=True)
        place.failed = self._fell_back = False
        return answer

    def _prove(self, place: _Place) -> None:
        """Raises EngineFailure where it does not answer or has another revision, or as `verify` does."""
        if not place.verified:
            self._verify(place.server)
            self._accept(place.server, decides=False)
            place.verified, place.failed = True, False

    def _accept(self, server: OpaServer, *, decides: bool) -> None:
        """The revision of its last answer. Raises EngineFailure.

        The server that decides may go on to a new bundle. Another one may take its place with the same revision only,
        or with that of this host.
        """
        now, last = server.revision, self._last
        if len(self._places) > 1 and now == NO_BUNDLE:
            raise EngineFailure(
                f"OPA at {server.url} has no bundle with a revision, so it cannot be compared with the other servers; "
                "start it with a bundle of guardrails policy build"
            )
        here = self._fallback.revision if self._fallback is not None else ""
        if last is not None and last is not server and now not in (self.revision, here):
            raise EngineFailure(
                f"OPA at {server.url} has the policies of revision {now}, and OPA at {last.url} had {self.revision}; "
                "give both the same bundle"
            )
        if decides or last is None:
            if self._fallback is not None and (last is None or now != self.revision):
                last_revision.write(self._urls, now)
            self.revision, self._last = now, server

    def _try_again(self, failed: Sequence[_Place]) -> None:
        """Off the path of calls: those that failed some time ago."""
        for place in failed:
            if place.trying != os.getpid() and monotonic() >= place.again:
                place.trying = os.getpid()
                try:
                    threads.start(
                        threading.Thread(target=self._try, args=(place,), name="guardrails-opa-again", daemon=True)
                    )
                except RuntimeError:
                    # None can be started now; the next decision tries again.
                    place.trying = 0

    def _try(self, place: _Place) -> None:
        try:
            self._prove(place)
        except (EngineFailure, GuardrailsError) as error:
            _logger.debug("it is still not asked: %s", error)
            place.fail()
        finally:
            place.trying = 0

    def _without_servers(self, document: Mapping[str, Any], failures: str) -> Evaluation:
        """The answer of the fallback, if it has the same revision. Raises EngineFailure."""
        if self._fallback is None:
            raise EngineFailure(failures)
        if self._fallback.revision != self.revision:
            raise EngineFailure(f"{failures}. {self._fallback_differs(self._fallback)}")
        if not self._fell_back:
            self._fell_back = True
            _logger.warning("%s. The policies in this process decide, which have the same revision", failures)
        return self._fallback.evaluate(document)

    def _fallback_differs(self, fallback: Engine) -> str:
        return (
            f"opa.fallback does not decide: the policies in this process have revision {fallback.revision}, and those "
            f"of the servers {self.revision}; build the servers' bundle with this configuration (guardrails policy "
            "build), or name the same bundle in `policies`"
        )

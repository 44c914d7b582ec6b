"""What AWS does with launches and moto does not: a token starts its machines once, and machines take time to boot.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from guardrails.testing.fault import WSGI, Fault, StartResponse
from guardrails.testing.request import Request

_MACHINES = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")


@define
class Launches:
    """`boot_s` is how long a machine is pending. `answers` are by token, with the parameters that came with it."""

    region: str
    boot_s: float = 0.0
    _booting: dict[str, float] = field(factory=dict)
    _answers: dict[str, tuple[dict[str, str], bytes]] = field(factory=dict)

    def clear(self) -> None:
        """Forget tokens and boot times."""
        self.boot_s = 0.0
        self._booting.clear()
        self._answers.clear()

    def repeated(self, request: Request, start_response: StartResponse) -> list[bytes] | Fault | None:
        """The first answer to a token that came before; None for another request."""
        token = request.params.get("ClientToken")
        if not token or token not in self._answers:
            return None
        params, body = self._answers[token]
        if params != dict(request.params):
            return Fault(400, "IdempotentParameterMismatch", "The token was used before, with other parameters.")
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def launch(
        self, app: WSGI, request: Request, environ: dict[str, Any], start_response: StartResponse, now: float
    ) -> Iterable[bytes]:
        """Let moto start the machines, which are pending for a while."""
        statuses: list[str] = []

        def started(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        body = b"".join(app(environ, started))
        if statuses and statuses[-1].startswith("200"):
            if token := request.params.get("ClientToken"):
                self._answers[token] = (dict(request.params), body)
            if self.boot_s:
                self._booting |= {name.decode(): now + self.boot_s for name in _MACHINES.findall(body)}
                self._set("pending", 0, self._booting)
        return [body]

    def tick(self, now: float) -> None:
        """Let machines run whose time has come."""
        up = [name for name, at in self._booting.items() if at <= now]
        self._set("running", 16, up)
        for name in up:
            del self._booting[name]

    def _set(self, state: str, code: int, names: Iterable[str]) -> None:
        from moto.ec2.models import ec2_backends  # noqa: PLC0415  (optional)

        machines = {
            machine.id: machine
            for reservation in ec2_backends["123456789012"][self.region].reservations.values()
            for machine in reservation.instances
        }
        for name in names:
            if name in machines:
                machines[name]._state.name, machines[name]._state.code = state, code

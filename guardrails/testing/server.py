"""The HTTP server of the simulated AWS, in a thread."""

from __future__ import annotations

import threading

from guardrails.testing.frontdoor import FrontDoor
from guardrails.testing.moto_app import Direct, make_server, moto_app
from guardrails.testing.session import SimulatedSession


class Server:
    """Serves from construction until `stop`: HTTP -> front door -> moto; `direct` bypasses the front door."""

    def __init__(self, region: str) -> None:
        app = moto_app()
        self.direct = Direct(app, region)
        self.door = FrontDoor(app, self.direct, region)
        self._server = make_server(self.door)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        # One session for all clients reads service models once. It is not thread-safe, so `creating` guards it.
        self.session = SimulatedSession(self.endpoint_url, region)
        self.creating = threading.Lock()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            # How often to check for `stop`, in seconds; the default would cost every test half a second.
            kwargs={"poll_interval": 0.02},
            daemon=True,
            name="guardrails-simulated-aws",
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._server.shutdown()
        self._thread.join()

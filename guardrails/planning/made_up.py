"""What an answer says in the place of ids, ARNs and URLs that only AWS could make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guardrails.planning.planned_ids import PlannedIds
from guardrails.values import frozen


@frozen
class MadeUp:
    """For the calls of one service in one region; `service` is the name that its requests are signed with."""

    ids: PlannedIds
    service: str
    region: str
    account: Callable[[], str]

    def string(self, name: str, shape: Any) -> str:
        """A value for the member `name` of an answer that fits its shape, "" where none is needed."""
        word = name.lower()
        if word.endswith(("ownerid", "accountid")):
            return self.account()
        if word.endswith("arn"):
            return self.ids.arn(self.service, self.region, self.account(), word.removesuffix("arn") or "thing")
        if word.endswith(("url", "uri")):
            return f"https://{self.service}.{self.region}.amazonaws.com/{self.account()}/{self.ids.other()}"
        if word in ("dnsname", "endpoint"):
            return f"{self.ids.other()}.{self.region}.{self.service}.amazonaws.com"
        return self.ids.fitting(shape) if word.endswith(("id", "name", "handle")) else ""

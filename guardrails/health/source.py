"""The client that a check asks: the caller's own, or one that is made when the check is first asked."""

from __future__ import annotations

from typing import Any

import botocore.session
from attrs import define, field
from botocore.config import Config

# A check that waits for minutes holds up what it is to protect.
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})


@define(eq=False)
class Source:
    """Where a check's look-ups go. `region` counts only where no client is given; None is the session's own.

    `session` is one of boto3 or botocore; None is a new one, with the profile and region of the environment.
    """

    service: str
    given: Any = None
    session: Any = None
    region: str | None = None
    _made: Any = field(default=None, init=False, repr=False)

    @property
    def client(self) -> Any:
        """The client. Raises botocore's errors where none can be made."""
        if self.given is not None:
            return self.given
        if self._made is None:
            session: Any = self.session if self.session is not None else botocore.session.Session()
            make = getattr(session, "create_client", None) or session.client
            self._made = make(self.service, region_name=self.region, config=_PATIENCE)
        return self._made


def reason(error: Exception, permission: str) -> str:
    """Why a look-up failed; for a missing permission, which one."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    if any(word in code for word in ("AccessDenied", "UnauthorizedOperation", "NotAuthorized")):
        return f"the permission {permission} is missing"
    return f"{code or type(error).__name__}: {error}".rstrip(".")

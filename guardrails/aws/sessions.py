"""Sessions of botocore for the guard's own use."""

from __future__ import annotations

from typing import Any

import botocore.session


def without_profile(loader: Any = None, credentials: Any = None) -> botocore.session.Session:
    """A session that asks for no profile, because one that is named in the environment may not exist.

    `loader` is another session's, which has read some of botocore's models already.
    """
    made: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    if loader is not None:
        made.register_component("data_loader", loader)
    if credentials is not None:
        made._credentials = credentials
    session: botocore.session.Session = made
    return session

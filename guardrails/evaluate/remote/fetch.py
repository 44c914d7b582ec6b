"""One look at a source, within its deadline, whatever the network does."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from importlib import import_module

from guardrails.config.policy_settings import BundleSettings, RemoteBundle
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evaluate.remote.kept import Fetched
from guardrails.waiting import deadline, threads
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import wait_for


def fetch(remote: RemoteBundle, tag: str, settings: BundleSettings) -> Fetched | None:
    """The bundle; None where it is still the one with this tag. Raises PolicyError, which says what to do."""
    answered: Future[Fetched | None] = Future()
    until = Deadline(deadline.left(settings.timeout_s))
    # Imported for a source: most configurations fetch nothing.
    name = "from_s3" if remote.url.startswith("s3:") else "over_https"
    way = import_module(f"guardrails.evaluate.remote.{name}").fetch

    def ask() -> None:
        try:
            with deadline.within(until):
                answered.set_result(way(remote.url, tag, settings))
        except BaseException as error:  # handed to the asking thread
            answered.set_exception(error)

    # In a thread: nothing ends the look-up of a name.
    try:
        threads.start(threading.Thread(target=ask, name="guardrails-bundle", daemon=True))
    except RuntimeError as error:
        raise PolicyError(f"{remote}: it was not asked ({error}); let this user have more threads") from error
    if not wait_for(answered, until.left()):
        raise PolicyError(
            f"{remote}: it gave no answer within {settings.timeout_s:g} s; look at the network, or raise "
            "bundle.timeout_s"
        )
    try:
        return answered.result()
    except GuardrailsError as error:
        raise PolicyError(f"{remote}: {error}") from error
    except Exception as error:
        raise PolicyError(
            f"{remote}: it could not be fetched ({type(error).__name__}: {error}); report this"
        ) from error

"""How a notice gets to EventBridge, SNS, a webhook or a command. No message of a failure has a webhook's address."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import get_environ_proxies

from guardrails.aws.in_time import OutOfTime
from guardrails.aws.own_clients import own_client
from guardrails.config.settings import NotifySettings
from guardrails.enforce.break_glass.grant import ENVIRONMENT
from guardrails.notify.notices import Notice
from guardrails.notify.outbox import NotDelivered
from guardrails.waiting import command, http
from guardrails.waiting.deadline import Deadline, within

# Set for a command: what guards itself there starts no commands.
MARKER = "GUARDRAILS_NOTICE"
# What Slack takes in one block, what SNS takes as a subject, and what both leave of a long sentence.
_BLOCK, _SUBJECT, _LONG = 2900, 100, 20_000
_CONNECT_S = 1.0


def name(place: NotifySettings) -> str:
    """What a place is called, without secrets: ``webhook hooks.slack.com``."""
    match place.to:
        case "eventbridge":
            return f"eventbridge {place.bus}"
        case "sns":
            return f"sns {place.topic.rpartition(':')[2]}"
        case "webhook":
            return f"webhook {_host(place.url) if place.url else '$' + place.url_env}"
        case _:
            return f"command {Path(place.command[0]).name}"


def deliverer(place: NotifySettings) -> Callable[[Notice], None]:
    """What sends one notice there. It raises NotDelivered."""
    deliver = _WAYS[place.to](place)

    def in_time(notice: Notice) -> None:
        with within(Deadline(place.timeout_s)):
            deliver(notice)

    return in_time


class _Aws:
    """A client of the guard's own, which the guard does not judge and no tracer sees."""

    service = ""

    def __init__(self, place: NotifySettings) -> None:
        self._place = place
        self._client: Any = None
        self._pid = 0

    def __call__(self, notice: Notice) -> None:
        try:
            if self._client is None or self._pid != os.getpid():
                self._client = self._made()
                self._pid = os.getpid()
            self._send(notice)
        except (BotoCoreError, ClientError, OutOfTime, OSError, ValueError) as error:
            # A client keeps the credentials that it was made with.
            self._client = None
            raise NotDelivered(f"{name(self._place)} did not take it ({error})") from error

    def _made(self) -> Any:
        timeout_s = self._place.timeout_s
        config = Config(
            connect_timeout=min(_CONNECT_S, timeout_s),
            read_timeout=timeout_s,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent_extra="guardrails-own",
        )
        region = self._place.region or _region_of(self._place.topic)
        return own_client(self.service, region, self._place.profile, config, "notify.timeout_s")

    def _send(self, notice: Notice) -> None:
        raise NotImplementedError


class _EventBridge(_Aws):
    service = "events"

    def _send(self, notice: Notice) -> None:
        entry = {
            "Source": "guardrails",
            "DetailType": notice.title,
            "Detail": json.dumps({**notice.document(), "text": notice.text[:_LONG]}),
            "EventBusName": self._place.bus,
        }
        answer = self._client.put_events(Entries=[entry])
        # Its status is 200 whatever became of the event.
        if answer.get("FailedEntryCount") != 0:
            entries = answer.get("Entries") or [{}]
            raise NotDelivered(
                f"{name(self._place)} did not take it ({entries[0].get('ErrorCode', 'it does not say why')}: "
                f"{entries[0].get('ErrorMessage', '')})"
            )


class _Sns(_Aws):
    service = "sns"

    def _send(self, notice: Notice) -> None:
        attributes = {"event": notice.kind, "decision_id": notice.details.get("decision_id")}
        self._client.publish(
            TopicArn=self._place.topic,
            Subject=notice.title[:_SUBJECT],
            Message=notice.text[:_LONG],
            MessageAttributes={
                key: {"DataType": "String", "StringValue": value} for key, value in attributes.items() if value
            },
        )


class _Webhook:
    """Posts what Slack, and those that take its form, show as a message."""

    def __init__(self, place: NotifySettings) -> None:
        self._place = place

    def __call__(self, notice: Notice) -> None:
        url = self._place.url or os.environ.get(self._place.url_env, "").strip()
        if not _host(url):
            raise NotDelivered(f"{name(self._place)} has no address: set the variable {self._place.url_env}")
        try:
            # Redirected, it would become a GET, which a login page answers with success.
            with http.unlogged(), _pools(url, self._place.timeout_s) as pools:
                answer = pools.request(
                    "POST",
                    url,
                    body=json.dumps(slack(notice)).encode(),
                    headers={"Content-Type": "application/json", "User-Agent": "guardrails"},
                    redirect=False,
                    retries=False,
                )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # Some of these errors quote the address.
            raise NotDelivered(f"the webhook at {_host(url)} cannot be reached ({type(error).__name__})") from None
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"the webhook at {_host(url)} did not take it (HTTP status {answer.status})")


class _Command:
    """Starts a command with the notice as JSON on its standard input."""

    def __init__(self, place: NotifySettings) -> None:
        self._place = place

    def __call__(self, notice: Notice) -> None:
        # With the variable it would break the glass itself, and announce that.
        environment = {key: value for key, value in os.environ.items() if key != ENVIRONMENT} | {MARKER: "1"}
        document = json.dumps(notice.document()).encode()
        try:
            command.feed(self._place.command, document, self._place.timeout_s, environment)
        except subprocess.TimeoutExpired:
            raise NotDelivered(f"{name(self._place)} did not end within {self._place.timeout_s:g} s") from None
        except subprocess.CalledProcessError as error:
            raise NotDelivered(f"{name(self._place)} ended with exit code {error.returncode}") from error
        except subprocess.SubprocessError as error:
            raise NotDelivered(f"{name(self._place)} ended, but {error}") from error
        except (OSError, ValueError) as error:
            raise NotDelivered(f"{name(self._place)} could not be started ({error})") from error


_WAYS: Mapping[str, Callable[[NotifySettings], Callable[[Notice], None]]] = {
    "eventbridge": _EventBridge,
    "sns": _Sns,
    "webhook": _Webhook,
    "command": _Command,
}


def slack(notice: Notice) -> dict[str, Any]:
    """A notice in the form of Slack's incoming webhooks. Nothing in it is a link, a mention or a channel."""
    text = escaped(notice.text)
    told = text if len(text) <= _BLOCK else text[:_BLOCK] + " …"
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": notice.title, "emoji": False}},
        {"type": "section", "text": {"type": "mrkdwn", "text": told, "verbatim": True}},
    ]
    return {"text": text[:_LONG], "blocks": blocks}


def escaped(text: str) -> str:
    """The characters that Slack gives a meaning to, as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _region_of(topic: str) -> str | None:
    return topic.split(":")[3] if topic else None


def _pools(url: str, timeout_s: float) -> urllib3.PoolManager:
    """Through the proxy of the environment where there is one."""
    proxy = get_environ_proxies(url).get(urlsplit(url).scheme)
    return http.pools(proxy, timeout=timeout_s, ssl_context=ssl.create_default_context())

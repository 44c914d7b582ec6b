"""The kinds of values that configuration keys take: what they must be, and what they become in Settings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field

from guardrails.config import addresses, schema
from guardrails.config.policy_settings import RemoteBundle
from guardrails.config.schema import Mismatch
from guardrails.config.settings import (
    IN_MEMORY,
    NOTICE_TARGETS,
    NOTICES,
    SOURCES,
    STANDARD_ERROR,
    NotifySettings,
    Tag,
)
from guardrails.values import frozen


def _as_is(value: Any, _: Path) -> Any:
    return value


@frozen
class Kind:
    """What a value must be, as a JSON Schema, and how it is converted.

    `convert` gets the value and the folder of the file, for relative paths; it may raise Mismatch. `must_be` says what
    the value must be where the schema's keywords alone do not tell a reader.
    """

    schema: Mapping[str, Any]
    convert: Callable[[Any, Path], Any] = _as_is
    must_be: str = field(default="", kw_only=True)

    @property
    def words(self) -> str:
        """What a value must be, for people."""
        return self.must_be or schema.words(self.schema)

    def check(self, value: Any, directory: Path) -> Any:
        """The value for Settings. Raises Mismatch."""
        try:
            schema.validate(value, self.schema)
        except Mismatch as mismatch:
            if mismatch.path or not self.must_be:
                raise
            raise Mismatch(value, f"be {self.must_be}") from None
        return self.convert(value, directory)


def one_of(*allowed: str) -> Kind:
    return Kind({"enum": list(allowed)})


def whole(least: int) -> Kind:
    return Kind({"type": "integer", "minimum": least})


def _to_float(value: Any, _: Path) -> float:
    return float(value)


def _without_repeats(value: Any, _: Path) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value))


def _to_tag(value: Any, _: Path) -> Tag:
    return Tag(value["key"], value["value"])


def _to_path(value: Any, directory: Path) -> Path:
    try:
        return directory / Path(value).expanduser()
    except RuntimeError:
        raise Mismatch(value, "start with an existing home folder; write the whole path") from None


def _to_file(value: Any, directory: Path) -> Path:
    path = _to_path(value, directory)
    if not path.name:
        raise Mismatch(value, "name a file")
    return path


def _to_log_file(value: Any, directory: Path) -> Path:
    return STANDARD_ERROR if value == str(STANDARD_ERROR) else _to_file(value, directory)


def _to_state_file(value: Any, directory: Path) -> Path:
    return IN_MEMORY if value == str(IN_MEMORY) else _to_file(value, directory)


def _to_addresses(value: Any, _: Path) -> tuple[str, ...]:
    return tuple(_each(value, _to_address))


def _to_listeners(value: Any, _: Path) -> tuple[str, ...]:
    return tuple(_each(value, _to_listener))


def _to_listener(value: Any) -> str:
    if not _LISTENER.fullmatch(str(value)):
        shown = "`guardrails init` and `aws elbv2 describe-listeners` show it"
        raise Mismatch(value, f"be the ARN of a listener (arn:…:listener/…); {shown}")
    return str(value)


def _to_address(value: Any) -> str:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise Mismatch(value, "be an IPv4 address, such as 203.0.113.7") from None
    return str(value)


def _to_policies(value: Any, directory: Path) -> tuple[Path | RemoteBundle, ...]:
    return tuple(_each(value, lambda item: addresses.remote_bundle(item) or _to_path(item, directory)))


def _each(value: Any, convert: Callable[[Any], Any]) -> Iterator[Any]:
    """The items, converted. A Mismatch names the item."""
    for number, item in enumerate(value):
        try:
            yield convert(item)
        except Mismatch as mismatch:
            raise _misplaced(mismatch.value, mismatch.must, number) from None


# What each place that gets notices needs, one of them; and what it may have.
_NEEDS = {"sns": ("topic",), "webhook": ("url", "url_env"), "command": ("command",)}
_MAY_HAVE = {"eventbridge": ("bus", "region", "profile"), "sns": ("region", "profile")}
_TOPIC = re.compile(r"arn:[^\s:]+:sns:[^\s:]+:[0-9]{12}:[^\s:]+")
_WEBHOOK = re.compile(r"https?://[^\s\x00-\x20/]+[^\s\x00-\x20]*")


def _to_notify(value: Any, _: Path) -> tuple[NotifySettings, ...]:
    made = []
    for number, given in enumerate(value):
        _check_notify(number, given)
        settings: dict[str, Any] = {name: tuple(each) if type(each) is list else each for name, each in given.items()}
        made.append(NotifySettings(**settings))
    return tuple(made)


def _check_notify(number: int, given: Mapping[str, Any]) -> None:
    # No message quotes an address: that of a webhook is a secret.
    kind, needed = given["to"], _NEEDS.get(given["to"], ())
    if needed and len(given.keys() & {*needed}) != 1:
        raise _misplaced(kind, f"have `{'` or `'.join(needed)}` beside it", number)
    for name in sorted(given.keys() - {"to", "on", "timeout_s", *needed, *_MAY_HAVE.get(kind, ())}):
        raise _misplaced(name, f'be left out, because `to` is "{kind}"', number)
    if kind == "sns" and not _TOPIC.fullmatch(given["topic"]):
        raise _misplaced(given["topic"], "be the ARN of an SNS topic", number, "topic")
    if "url" in given and not _WEBHOOK.fullmatch(given["url"]):
        raise _misplaced("…", "be an address that starts with https:// or http://", number, "url")


def _misplaced(value: Any, must: str, *path: str | int) -> Mismatch:
    mismatch = Mismatch(value, must)
    mismatch.path = path
    return mismatch


# A NUL character cannot be part of a path, of an environment variable's name or of a tag.
_STRING = {"type": "string", "pattern": "^[^\\u0000]+$"}
# Blanks alone name nothing.
_NAME = {"type": "string", "pattern": "^\\s*[^\\s\\u0000][^\\u0000]*$"}
_ENFORCEMENTS = ["deny", "warn", "dryrun"]
_LISTENER = re.compile("arn:[^:]+:elasticloadbalancing:.*:listener/.+")
_REGION = "^[a-z]{2,10}(-[a-z]{1,20}){1,4}-[0-9]{1,3}$"

STRING = Kind(_NAME)
STRINGS = Kind({"type": "array", "items": _NAME}, lambda value, _: tuple(value))
NAMES = Kind({"type": "array", "minItems": 1, "items": _NAME}, _without_repeats)
ADDRESSES = Kind({"type": "array", "items": _NAME}, _to_addresses, must_be="a list of IPv4 addresses")
LISTENERS = Kind({"type": "array", "items": _NAME}, _to_listeners, must_be="a list of ARNs of listeners")
NUMBER = Kind({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000_000}, _to_float)
SECONDS = Kind({"type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000_000}, _to_float)
SHARE = Kind({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, _to_float)
SWITCH = Kind({"type": "boolean"})
POLICIES = Kind({"type": "array", "items": _NAME}, _to_policies, must_be="a list of paths and addresses of bundles")
FILE = Kind(_NAME, _to_file, must_be="the path of a file")
FOLDER = Kind(_NAME, _to_file, must_be="the path of a folder")
LOG_FILE = Kind(_NAME, _to_log_file, must_be='the path of a file, or "-" for standard error')
STATE_FILE = Kind(_NAME, _to_state_file, must_be='the path of a file, or ":memory:"')
REGION = Kind({"type": "string", "pattern": _REGION}, must_be="the name of a region, such as eu-west-1")
DYNAMODB_TABLE = Kind(
    {"type": "string", "pattern": "^[A-Za-z0-9_.-]{3,255}$"},
    must_be="the name of a DynamoDB table: 3 to 255 letters, digits, dots, hyphens and underscores",
)
_URL = {"type": "string", "pattern": "^https?://[^\\u0000]+$"}
URL = Kind(_URL, lambda value, _: addresses.opa_server(value), must_be=addresses.OPA_SERVER)
URLS = Kind(
    {"type": "array", "minItems": 1, "items": _URL},
    lambda value, _: tuple(dict.fromkeys(_each(value, addresses.opa_server))),
    must_be="a list of addresses of OPA servers",
)
SINK = Kind({"type": "string", "pattern": "^(https?|s3|cloudwatch)://[^\\u0000]+$"},
            lambda value, _: addresses.sink(value), must_be=addresses.SINK)  # fmt: skip
TAG = Kind(
    {
        "type": "object",
        "properties": {"key": _NAME, "value": {"type": "string"}},
        "required": ["key", "value"],
        "additionalProperties": False,
    },
    _to_tag,
    must_be='a table { key = "…", value = "…" }',
)
TABLE = Kind({"type": "object"})
MEMBERS = Kind(
    {"type": "object", "additionalProperties": {"type": "array", "items": _NAME}},
    lambda value, _: {name: tuple(members) for name, members in value.items()},
)
LABELS = Kind({"type": "object", "additionalProperties": _STRING})
# "confirm" is not among the words: a rule asks for confirmation by itself.
ENFORCEMENT = Kind({"type": "object", "additionalProperties": {"enum": _ENFORCEMENTS}})
SOURCE_NAMES = Kind({"type": "array", "minItems": 1, "items": {"enum": list(SOURCES)}}, _without_repeats)
NOTIFY = Kind(
    {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "to": {"enum": list(NOTICE_TARGETS)},
                "on": {"type": "array", "minItems": 1, "items": {"enum": list(NOTICES)}},
                "bus": _NAME,
                "topic": _NAME,
                "url": _NAME,
                "url_env": _NAME,
                "command": {"type": "array", "minItems": 1, "items": _NAME},
                "region": {"type": "string", "pattern": _REGION},
                "profile": _NAME,
                "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 60},
            },
            "required": ["to"],
            "additionalProperties": False,
        },
    },
    _to_notify,
)

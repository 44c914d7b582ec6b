"""The headers of a request that hold parameters, as opposed to those that only transport it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.model import OperationModel

from guardrails.values import frozen

# Headers that botocore and the SDKs add, some of them only when a request is signed or sent.
_TRANSPORT = re.compile(
    r"x-amz-(?:date|content-sha256|security-token|s3session-token|region-set|target|trailer|te|api-version|user-agent"
    r"|decoded-content-length|sdk-checksum-algorithm|checksum-.*)|x-amzn-(?:trace-id|query-mode)"
    r"|content-(?:md5|length|encoding|type)|expect|host|accept"
)
# What S3 Control also takes: botocore makes it of the ARN of a bucket or an access point of an Outpost.
_BEYOND_THE_MODEL = {"s3control": ("x-amz-outpost-id",)}


@frozen
class ParameterHeaders:
    """The headers that hold parameters of an operation, in lower case: whole names, and prefixes."""

    whole: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, operation: OperationModel) -> ParameterHeaders:
        """The parameters that the model puts into headers."""
        members = operation.input_shape.members.items() if operation.input_shape is not None else ()
        placed = [(m.serialization.get("location"), m.serialization.get("name", n).lower()) for n, m in members]
        return cls(
            frozenset(name for location, name in placed if location == "header").union(
                _BEYOND_THE_MODEL.get(operation.service_model.service_name, ())
            ),
            tuple(name for location, name in placed if location == "headers"),
        )

    def values(self, headers: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
        """Their names and values in a request, without what botocore may add to it after the decision."""
        return frozenset(
            (name.lower(), value)
            for name, value in pairs(headers)
            if self._has(name.lower()) and not _TRANSPORT.fullmatch(name.lower())
        )

    def _has(self, name: str) -> bool:
        return name in self.whole or (bool(self.prefixes) and name.startswith(self.prefixes))

    def unknown(self, headers: Mapping[str, Any]) -> list[str]:
        """AWS's own headers that are unknown to the operation; it ignores all others."""
        names = [name.lower() for name, _ in pairs(headers)]
        return [n for n in names if n.startswith("x-amz") and not self._has(n) and not _TRANSPORT.fullmatch(n)]


def pairs(headers: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Every header with its value as a string, from any of botocore's mappings."""
    for name, value in headers.items():
        if value is not None:
            yield str(name), _text(value) if isinstance(value, bytes) else str(value)


def _text(value: bytes) -> str:
    """In botocore, what is not ASCII is UTF-8; other programs may send any bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")

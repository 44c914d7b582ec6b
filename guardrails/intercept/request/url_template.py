"""The URL of a REST operation in the model: labels in its path, literals in its query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from botocore.utils import normalize_url_path

from guardrails.values import frozen

_LABEL = re.compile(r"(\{[^}]*\})")
_SAFE = "-._~:@!$&'()*+,;="


@frozen
class Template:
    """A path with labels. `rank` is greater where more of it is literal."""

    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    rank: tuple[int, ...]

    @classmethod
    def of(cls, path: str) -> Template:
        """From ``/2013-04-01/hostedzone/{Id}/rrset/`` or ``/{Bucket}/{Key+}``."""
        pattern, labels, rank = "", [], []
        for segment in path.strip("/").split("/"):
            pattern += "/"
            parts = _LABEL.split(segment)
            for part in parts:
                if part.startswith("{"):
                    greedy = part.endswith("+}")
                    labels.append(part.strip("{}+"))
                    pattern += "(.+)" if greedy else "([^/]+)"
                else:
                    pattern += re.escape(part)
            rank.append(2 if len(parts) == 1 else 0 if "+}" in segment else 1)
        end = "" if "+}" in path or pattern == "/" else "/?"
        return cls(re.compile(pattern + end, re.DOTALL), tuple(labels), tuple(rank))

    def read(self, path: str) -> dict[str, str] | None:
        """The labels' values in a path from `normal`; None where the path does not fit."""
        match = self.pattern.fullmatch(path)
        return None if match is None else dict(zip(self.labels, map(unquote, match.groups()), strict=True))


def split(http: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Path and query literals of an operation's ``http`` entry: ``/{Bucket}`` and ``(("lifecycle", ""),)``."""
    path, _, query = str(http["requestUri"]).partition("?")
    if "authPath" in http:
        # botocore removes the bucket from a client's model, because its endpoints have it in the host.
        path = "/{Bucket}" + path
    return path, tuple(parse_qsl(query, keep_blank_values=True))


def normal(path: str, *, dots: bool) -> str:
    """A path in one spelling: as little encoded as possible; with `dots`, without ``..`` and doubled slashes."""
    if dots and ("//" in path or "/." in path):
        path = str(normalize_url_path(path))
    if "%" in path:
        path = "/".join(quote(unquote(segment), safe=_SAFE) for segment in path.split("/"))
    return path or "/"

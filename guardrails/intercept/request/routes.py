"""Which operation a REST request asks for, when only the request is there: its method, path, query and headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen
from botocore.model import ServiceModel

from guardrails.intercept.request import bucket
from guardrails.intercept.request.outgoing import Outgoing, header
from guardrails.intercept.request.url_template import Template, normal, split


@frozen(eq=False)
class _Way:
    """The operations of one method that share a path."""

    template: Template
    variants: list[tuple[str, tuple[tuple[str, str], ...]]]


class Routes:
    """The operations of one service with a REST protocol; `model` is its ServiceModel."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._of_s3 = model.metadata.get("endpointPrefix") == "s3"
        self._ways: dict[str, dict[str, _Way]] = {}
        self._needs: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        # As plain as the model has it: thousands of shapes are not to be built for this.
        described: dict[str, Any] = self._model._service_description["operations"]
        # A deprecated name of the same request comes after the one that took its place.
        for name in sorted(described, key=lambda name: (bool(described[name].get("deprecated")), name)):
            http = described[name].get("http", {})
            path, literals = split(http)
            way = self._ways.setdefault(http["method"], {}).setdefault(path, _Way(Template.of(path), []))
            way.variants.append((name, literals))

    @classmethod
    def of(cls, model: ServiceModel) -> Routes | None:
        """None for a service with another protocol."""
        protocol = str(getattr(model, "resolved_protocol", None) or model.metadata["protocol"])
        return cls(model) if protocol.startswith("rest-") else None

    def methods(self, governed: Callable[[str], bool]) -> frozenset[str]:
        """The HTTP methods of the governed operations."""
        return frozenset(
            method
            for method, ways in self._ways.items()
            if any(governed(name) for way in ways.values() for name, _ in way.variants)
        )

    def operation(self, default: str, out: Outgoing, governed: Callable[[str], bool]) -> str:
        """The operation that AWS would run.

        `default` is what botocore says that it is: it stands where the request does not tell. Where a request could be
        several operations it is the governed one of them; where it is none, ``PUT /its/path``.
        """
        readings = [found for found in self._readings(out) if found]
        if not readings:
            return default or f"{out.method} {urlsplit(out.url).path}"
        mine = [found for found in readings if default in found]
        named = [name for found in (mine or readings) for name in found]
        if default in named and governed(default):
            return default
        return next((name for name in named if governed(name)), default if default in named else named[0])

    def _readings(self, out: Outgoing) -> Iterable[list[str]]:
        """For every place where the bucket may stand, the operations that fit best."""
        ways = self._ways.get(out.method.upper(), {}).values()
        parts = urlsplit(out.url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for place in bucket.places(out.url) if self._of_s3 else (parts.path,):
            path = normal(place, dots=not self._of_s3)
            best: tuple[Any, ...] = ()
            named: list[str] = []
            for way in ways:
                if way.template.pattern.fullmatch(path) is None:
                    continue
                for name, literals in way.variants:
                    if any(key not in query or (text and query[key] != text) for key, text in literals):
                        continue
                    in_query, in_headers = self._needed(name)
                    whole = in_query <= query.keys() and all(header(out.headers, n) for n in in_headers)
                    rank = (way.template.rank, len(literals), len(in_query) + len(in_headers) if whole else -1)
                    if rank >= best:
                        named = [*named, name] if rank == best else [name]
                        best = rank
            yield named

    def _needed(self, operation: str) -> tuple[frozenset[str], frozenset[str]]:
        """The query members and headers without which a request is rather one of another operation."""
        found = self._needs.get(operation)
        if found is None:
            shape = self._model.operation_model(operation).input_shape
            members = shape.members if shape is not None else {}
            places: dict[str, set[str]] = {"querystring": set(), "header": set()}
            for name in shape.required_members if shape is not None else ():
                traits = members[name].serialization
                if traits.get("location") in places:
                    places[traits["location"]].add(traits.get("name", name))
            found = self._needs[operation] = frozenset(places["querystring"]), frozenset(places["header"])
        return found

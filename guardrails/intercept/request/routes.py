"""Which operation a REST request asks for, from nothing but its method, path, query and headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.model import ServiceModel

from guardrails.intercept.request import bucket
from guardrails.intercept.request.outgoing import Outgoing, header
from guardrails.intercept.request.url_template import Template, normal, split
from guardrails.values import frozen


def protocol_of(model: ServiceModel) -> str:
    """The protocol that botocore speaks with a service."""
    return str(getattr(model, "resolved_protocol", None) or model.metadata["protocol"])


def _nothing_before_path(host: str) -> tuple[str, ...]:
    return ("",) if bucket.is_plain(host) else ()


@frozen(eq=False)
class _Route:
    """The operations with the same method and path."""

    template: Template
    variants: list[tuple[str, tuple[tuple[str, str], ...]]]


@frozen
class GovernedRoutes:
    """What the governed operations with one HTTP method need: one of `keys` in the query, or a path that fits `paths`.

    None stands for no path. `others` fits a path and query that are none of them and need no decoding; `before` gives
    what a host says of the path.
    """

    keys: frozenset[str]
    paths: re.Pattern[str] | None
    others: re.Pattern[str]
    before: Callable[[str], tuple[str, ...]]

    @classmethod
    def of(cls, keys: frozenset[str], templates: Iterable[Template], *, of_s3: bool) -> GovernedRoutes:
        """One test for all paths: nearly every request to S3 passes it."""
        patterns = "|".join(template.pattern.pattern for template in templates)
        governed = rf"(?!(?:{patterns})(?:\?|\Z))" if patterns else ""
        unclear = "|".join(["%", *map(re.escape, sorted(keys))])
        # S3 takes a key as it is; elsewhere botocore resolves dots and doubled slashes.
        path = r"/[^%?#\x00-\x20]*" if of_s3 else r"(?:/(?![/.])[^/%?#\x00-\x20]*)+"
        others = rf"{governed}{path}(?:\?(?!.*(?:{unclear}))[^#\x00-\x20]*)?"
        return cls(
            keys,
            re.compile(patterns, re.DOTALL) if patterns else None,
            re.compile(others, re.DOTALL),
            bucket.before_path if of_s3 else _nothing_before_path,
        )

    def clear(self, url: str) -> bool:
        """True for a URL that is none of these operations, at a glance."""
        try:
            _, _, host, path = url.split("/", 3)
        except ValueError:
            return False
        clear = False
        for before in self.before(host):
            clear = self.others.fullmatch(f"{before}/{path}") is not None
            if not clear:
                break
        return clear


class Routes:
    """The operations of one service with a REST protocol; `model` is its ServiceModel. `methods` are those of HTTP."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._of_s3 = model.metadata.get("endpointPrefix") == "s3"
        self._routes: dict[str, dict[str, _Route]] = {}
        self._needs: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        # Read from the raw model, because building thousands of shapes would be slow.
        described: dict[str, Any] = self._model._service_description["operations"]
        # A deprecated name of the same request comes after its replacement.
        for name in sorted(described, key=lambda name: (bool(described[name].get("deprecated")), name)):
            http = described[name].get("http", {})
            path, literals = split(http)
            route = self._routes.setdefault(http["method"], {}).setdefault(path, _Route(Template.of(path), []))
            route.variants.append((name, literals))
        self.methods = frozenset(self._routes)

    @classmethod
    def of(cls, model: ServiceModel) -> Routes | None:
        """None for a service with another protocol."""
        return cls(model) if protocol_of(model).startswith("rest-") else None

    def governed(self, governed: Callable[[str], bool]) -> dict[str, GovernedRoutes]:
        """The governed operations by HTTP method."""
        by_method = {}
        for method, routes in self._routes.items():
            found = [
                (route.template, literals)
                for route in routes.values()
                for name, literals in route.variants
                if governed(name)
            ]
            if found:
                by_method[method] = GovernedRoutes.of(
                    frozenset(literals[0][0] for _, literals in found if literals),
                    (template for template, query in found if not query),
                    of_s3=self._of_s3,
                )
        return by_method

    def may_be(self, out: Outgoing, governed: GovernedRoutes) -> bool:
        """False where a request is clearly none of these operations. Nearly every request to S3 ends here."""
        query = out.url.partition("?")[2]
        if query and ("%" in query or any(key in query for key in governed.keys)):
            return True
        fits = governed.paths
        return fits is not None and any(fits.fullmatch(path) for path in self._paths(out.url))

    def _paths(self, url: str) -> Iterator[str]:
        """For every place where the bucket may be, the path in one spelling."""
        for candidate in bucket.paths_with_bucket(url) if self._of_s3 else (urlsplit(url).path,):
            yield normal(candidate, dots=not self._of_s3)

    def operation(self, default: str, out: Outgoing, governed: Callable[[str], bool]) -> str:
        """The operation that AWS would run.

        `default` is the operation that botocore names, for requests that do not tell. If a request could be several
        operations, the governed one counts; if it is none, the name is ``PUT /its/path``.
        """
        readings = [names for names in self._readings(out) if names]
        if not readings:
            return default or f"{out.method} {urlsplit(out.url).path}"
        with_default = [names for names in readings if default in names]
        named = [name for names in (with_default or readings) for name in names]
        if default in named and governed(default):
            return default
        return next((name for name in named if governed(name)), default if default in named else named[0])

    def _readings(self, out: Outgoing) -> Iterable[list[str]]:
        """For every place where the bucket may be, the operations that fit best."""
        routes = self._routes.get(out.method.upper(), {}).values()
        query = dict(parse_qsl(urlsplit(out.url).query, keep_blank_values=True))
        for path in self._paths(out.url):
            best: tuple[Any, ...] = ()
            named: list[str] = []
            for route in routes:
                if route.template.pattern.fullmatch(path) is None:
                    continue
                for name, literals in route.variants:
                    if any(key not in query or (text and query[key] != text) for key, text in literals):
                        continue
                    in_query, in_headers = self._needed(name)
                    whole = in_query <= query.keys() and all(header(out.headers, n) for n in in_headers)
                    rank = (route.template.rank, len(literals), len(in_query) + len(in_headers) if whole else -1)
                    if rank >= best:
                        named = [*named, name] if rank == best else [name]
                        best = rank
            yield named

    def _needed(self, operation: str) -> tuple[frozenset[str], frozenset[str]]:
        """The query members and headers without which a request more likely means another operation."""
        needed = self._needs.get(operation)
        if needed is None:
            shape = self._model.operation_model(operation).input_shape
            members = shape.members if shape is not None else {}
            places: dict[str, set[str]] = {"querystring": set(), "header": set()}
            for name in shape.required_members if shape is not None else ():
                traits = members[name].serialization
                if traits.get("location") in places:
                    places[traits["location"]].add(traits.get("name", name))
            needed = self._needs[operation] = frozenset(places["querystring"]), frozenset(places["header"])
        return needed

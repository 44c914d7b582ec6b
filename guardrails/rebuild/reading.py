"""Read-only calls to AWS: all pages, and for what cannot be read a sentence with the missing permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardrails.values import frozen

Item = dict[str, Any]


class CannotRead(Exception):
    """AWS did not answer a look-up; the message names it, the reason, and what to do."""


@frozen
class Reader:
    """AWS as it is now, in one account and region. `client` makes a boto3 client for a service."""

    client: Callable[[str], Any]

    def all(self, service: str, operation: str, key: str, **params: Any) -> list[Item]:
        """Every item of every page. `operation` is the name of boto3's method. Raises CannotRead."""
        client = self.client(service)
        try:
            if client.can_paginate(operation):
                pages = list(client.get_paginator(operation).paginate(**params))
            else:
                pages = [getattr(client, operation)(**params)]
        except (ClientError, BotoCoreError) as error:
            raise CannotRead(_sentence(client, service, operation, error)) from error
        if any(key not in page for page in pages):
            raise CannotRead(f"{service}:{_action(client, operation)} answered without {key}; try again")
        return [item for page in pages for item in _listed(page[key])]


def _listed(value: Any) -> list[Any]:
    return list(value or ()) if isinstance(value, (list, type(None))) else [value]


def _action(client: Any, operation: str) -> str:
    return str(client.meta.method_to_api_mapping.get(operation, operation))


def _sentence(client: Any, service: str, operation: str, error: Exception) -> str:
    action = f"{service}:{_action(client, operation)}"
    service = "elasticloadbalancing" if service == "elbv2" else service
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "an error")
        if "Unauthorized" in code or "AccessDenied" in code:
            return f"{action} is not permitted; allow the IAM action {service}:{action.partition(':')[2]}"
        return f"{action} failed with {code} ({error.response.get('Error', {}).get('Message', '')}); try again"
    return f"{action} failed ({error}); try again"

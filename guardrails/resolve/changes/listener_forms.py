"""Actions and conditions of a load balancer's listener, in one form for all ways to write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.resolve.changes.permissions import plain

_KINDS_OF_CONDITION = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}


def action(action: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in action.items() if key not in ("TargetGroupArn", "ForwardConfig", "Order")}
    if action.get("Type") != "forward":
        return plain
    config = action.get("ForwardConfig") or {"TargetGroups": [{"TargetGroupArn": action.get("TargetGroupArn")}]}
    groups = {group.get("TargetGroupArn"): group.get("Weight", 1) for group in config.get("TargetGroups") or []}
    # The weight of an only group does not matter, unless it is 0.
    groups = {name: min(weight, 1) for name, weight in groups.items()} if len(groups) == 1 else groups
    return {**plain, "groups": groups, "stickiness": config.get("TargetGroupStickinessConfig") or {}}


def condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    field = condition.get("Field")
    config = condition.get(_KINDS_OF_CONDITION.get(str(field), "")) or {"Values": condition.get("Values")}
    lists = {key: plain(value) if isinstance(value, list) else value for key, value in config.items()}
    return {"Field": field, **lists}

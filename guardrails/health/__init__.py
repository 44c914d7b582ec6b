"""Ready-made health checks: each is called without arguments, and its answer is true only where health is proved.

    check = guardrails.health.target_group("arn:aws:elasticloadbalancing:…:targetgroup/web/0123456789abcdef")
    health = check()
    if not health:
        print(health.why)

`guardrails.ramp`, `guardrails.waves` and `guardrails cutover` take these checks, and any function of yours as well.
"""

from __future__ import annotations

from guardrails.health.alarm import alarm
from guardrails.health.check import Check, Health, all_of, ask
from guardrails.health.command import command
from guardrails.health.target_group import target_group

__all__ = ["Check", "Health", "alarm", "all_of", "ask", "command", "target_group"]

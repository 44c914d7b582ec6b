"""``guardrails policy docs``: the rule book."""

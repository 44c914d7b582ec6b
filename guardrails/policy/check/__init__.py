"""``guardrails policy check``: finds mistakes in policies, by file and line."""

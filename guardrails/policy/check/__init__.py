"""``guardrails policy check``: what is wrong with a policy, by file and line."""

"""``guardrails policy mutate``: slips in policies that no test notices."""

"""``guardrails policy mutate``: small mistakes in policies that no test notices."""

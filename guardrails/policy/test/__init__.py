"""``guardrails policy test``: the tests of policies on the embedded engine and on OPA, with coverage."""

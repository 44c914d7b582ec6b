"""``guardrails policy test``: runs the tests of policies on the embedded engine and on OPA, with coverage."""

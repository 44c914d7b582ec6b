"""`guardrails rebuild`."""

"""``guardrails policy``: what an author of policies needs before an edit guards anything."""

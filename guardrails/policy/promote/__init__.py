"""``guardrails policy promote``: what a rule in dryrun would have done, and how it is enforced."""

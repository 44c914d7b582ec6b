"""Look-ups that fail, or that answer with less than the truth: what then becomes of a call."""

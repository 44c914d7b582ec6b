"""Compares CloudTrail with the decision log: calls that AWS saw and no guard allowed."""

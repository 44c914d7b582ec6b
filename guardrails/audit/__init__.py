"""CloudTrail beside the decision log: calls that AWS saw and no guard decided on."""

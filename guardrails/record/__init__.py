"""Stage 6: the decision log, written and read."""

"""Stage 5: what a decision means in this mode, and asking a person, breaking glass and waiting for a turn."""

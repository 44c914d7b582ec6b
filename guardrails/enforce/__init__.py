"""Stage 5: what a decision means in this mode; confirmation by a person, break glass, and pacing."""

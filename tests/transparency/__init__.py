"""Kinds of legitimate calls, each run without the guard and with it, so that the two can be compared."""

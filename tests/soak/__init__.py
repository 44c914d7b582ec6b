"""A long run of everything at once: threads, processes, faults, edits, cutovers and kills, with invariants watched.

``python -m tests.soak --minutes 30 --seed 7``
"""

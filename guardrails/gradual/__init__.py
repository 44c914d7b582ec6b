"""Many things one after the other: brought back in growing batches, or taken away in waves.

ramp.py       guardrails.ramp: batches that grow while a health check is true
waves.py      guardrails.waves: parts of a list, with a pause and a look at health before each
looking.py    the look at health that both take, with patience
progress.py   the file with which both resume after a crash
splitting.py  one call, sent in waves by the guard itself
"""

"""Every fault of every part, against calls on the live cluster, on staging, and others.

Each row breaks one part of the guard, or what it depends on, in a process of its own; what arrives is counted at the
server. `python -m tests.faults.everything` prints the table, with `--row NAME` a row of it; `--write` puts it into the
page guardrails/docs/faults.md.

row.py        a row, and what its process has
running.py    makes the calls of a row
calls.py      faults of interception, classification and look-ups
deciding.py   faults of the engines and the policies
memory.py     faults of what guards remember, of approvals, of rates
records.py    faults of the decision log, of notices and telemetry
process.py    faults of the process: forks, memory, threads, signals, the clock
rows.py       all of them
page.py       the page's tables
"""

"""All rows."""

from __future__ import annotations

from tests.faults.everything import calls, deciding, memory, process, records

ROWS = (*calls.ROWS, *deciding.ROWS, *memory.ROWS, *records.ROWS, *process.ROWS)

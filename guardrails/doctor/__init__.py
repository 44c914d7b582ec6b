"""What is well and what is not about the guard here: one file per question.

policies.py    which policies are in force, on disk and in running processes
"""

from guardrails.doctor.report import Finding
from guardrails.doctor.running import examine

__all__ = ["Finding", "examine"]

"""What is well and what is not about the guard here: one file per question.

environment.py    is it on, in this process and in this environment
configuration.py  which file set which key
memory.py         can the decision log and the state be written
policies.py       which policies are in force, on disk and in running processes
pipeline.py       are calls that must be denied denied, and how long does it take
cloud.py          may the look-ups be made, and which evidence of the live cluster is there
ways_round.py     what here can call AWS without the guard seeing it
"""

from guardrails.doctor.report import Finding
from guardrails.doctor.running import examine

__all__ = ["Finding", "examine"]

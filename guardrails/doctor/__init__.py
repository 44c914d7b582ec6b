"""``guardrails doctor``: checks the setup of the guard, a file per question.

environment.py    is the guard on, in this process and in this virtual environment
import_name.py    does another distribution own the import name
configuration.py  which file set which key
policies.py       which policies are in force, on disk and in running processes
memory.py         can the decision log and the state be written
own_lookups.py    how near the guard's own look-ups come to AWS's rate limits
pipeline.py       are calls that must be denied really denied, and how long does a decision take
cloud.py          which look-ups are permitted, and what is the evidence for the live cluster
fit.py            does the configuration fit what is in the account
permissions.py    a harmless try of every look-up
bypasses.py       what here can call AWS without the guard seeing it
examine.py        all of them, in the order in which they are shown
"""

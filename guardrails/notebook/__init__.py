"""In IPython and Jupyter: ``%load_ext guardrails``.

extension.py   installs the guard and shows which cluster is live
magic.py       %guardrails live|log|check|doctor
card.py        shows a denied call as a card instead of a traceback
"""

"""In IPython and Jupyter: ``%load_ext guardrails``.

extension.py   installs the guard, says which cluster is live      magic.py      %guardrails live|log|check|doctor
card.py        a denied call as a card instead of a traceback      question.py   asks for a confirmation
"""

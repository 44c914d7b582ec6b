"""``guardrails policy compare``: whether new policies allow anything that the old ones stop.

definitions.py   what the rules read, and what they compare it with    affected.py   the rules that a change may reach
situations.py    an input for each effect and state                    contexts.py   what else may surround a call
variations.py    the inputs next to an input                           climb.py      an input on which a rule acts
verdicts.py      both answers to an input                              run.py        all of it, in order
minimize.py      a counterexample without what it does not need        result.py     what was found
"""

"""``guardrails policy compare``: whether new policies allow anything that the old ones stop.

definitions.py   what the rules read, and what they compare it with    affected.py   the rules that a change may reach
origins.py       where variables come from
situations.py    an input for each effect and state                    contexts.py   what else may surround a call
variations.py    the inputs next to an input                           whole.py      other names, sizes and times
words.py         the strings that parts are given                      patterns.py   strings that match a pattern
changes.py       a change of one part                                  starts.py     where the search begins
watched.py       which conditions an input reaches                     search.py     the inputs that reach more of them
verdicts.py      both answers to an input                              findings.py   what differs
minimize.py      a counterexample without what it does not need        result.py     what was found
run.py           all of it, in order
"""

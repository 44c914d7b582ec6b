"""What a person sees of a decision and of the live cluster: one list of sections, for every place it is shown in.

section.py    the values          text.py      plain text, 80 columns
decision.py   a decision          html.py      a card, everything escaped
live.py       the live cluster    terminal.py  coloured, with rich
"""

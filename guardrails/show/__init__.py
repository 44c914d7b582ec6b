"""How decisions and the live cluster are shown: one page of sections, in every form.

page.py        the values            text.py        plain text, 80 columns
decision.py    a decision            html.py        a notebook card
live.py        the live cluster      terminal.py    coloured, with rich
entries.py     decisions of a log    html_page.py   HTML pages, from base.html.j2 and style.css
sentences.py   the text of denials   timeline.py    decisions over time
failures.py    failed look-ups in words
"""

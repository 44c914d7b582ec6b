"""``guardrails init``: looks at an account that nobody configured, and proposes a configuration. It only reads.

survey.py    the clusters, which of them are live, and which sources see something
tags.py      the tags that look as if they name clusters
proposal.py  guardrails.toml, with the reasons as comments
trail.py     what would have been blocked among the last hours of CloudTrail
sentences.py what was found, in three lines
"""

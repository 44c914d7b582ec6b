"""``guardrails policy replay``: decides again on recorded calls with other policies, and shows what changes.

log_chunks.py         decision logs in chunks              decide.py        the decisions of one chunk, again
run.py                chunks in several processes          tally.py         the counts, and the changed decisions
trail.py              CloudTrail's calls as log entries    known_facts.py   their facts, from decision logs
cloudtrail_params.py  their parameters as botocore's       snapshot.py      their facts, from AWS as it is now
"""

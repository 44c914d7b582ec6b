"""Plans: what a script would do to AWS, before its first call.

joining.py     puts a process into a plan            gates.py      where a plan meets botocore
rehearsal.py   reads are sent, other calls are not   planner.py    decides on a call and writes it down
reads.py       what certainly only reads             deciding.py   with the guard's policies, in the plan's world
world.py       the world as it would be              effects.py    what a call does to it; *_effects.py  the same
answers.py     an answer from the service model      journal.py    what the processes of a plan share
plan.py        the result                            page.py       the result for people
file.py        a saved plan                          running.py    stops what is not in an approved plan
progress.py    what of it was used already           asked_before.py  its confirmation covers its calls
accounts.py    where a call goes               sending.py    whether it may have been done
"""

from guardrails.planning import (  # noqa: F401  (they register what they know)
    balancer_effects,
    ec2_effects,
    elsewhere_effects,
    group_effects,
    page,
    s3_effects,
    sqs_effects,
)
from guardrails.planning.context import Planning
from guardrails.planning.plan import Plan

__all__ = ["Plan", "Planning"]

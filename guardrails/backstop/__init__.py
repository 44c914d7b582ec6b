"""The backstop: what Python cannot see is stopped on AWS's side.

``guardrails backstop plan|apply|drift`` keeps AWS's own protection in step with the roles of the clusters: on for what
is live, off for what is retired. ``guardrails backstop policy`` prints statements for IAM and service control policies.

    kinds.py       what has a protection that can be switched, a row each in kinds.json
    found.py       which resources of each kind there are, whose they are, and whether they are protected
    plan.py        what would change
    apply.py       sends the changes through the guard
    page.py        a plan for people and for programs
    actions.py     which IAM actions the catalogue's operations are, and which support a condition on tags
    statements.py  deny statements on the live cluster's tag; policies.py makes documents within AWS's limits of them

This belongs to no stage: it uses a guard, and nothing of it is imported when one is installed.
"""

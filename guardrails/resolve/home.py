"""In which region the machines are that a call to Route 53 or IAM is about: those services have one for all.

The configuration says it, or the region that the script made its client for, or the one that this process is set up
for. Where the last two differ, the client's counts, unless that is the one in which such services are at home: many
scripts give it because the service wants it, wherever their machines are.
https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.values import Call, Origin

# Where such services are, by partition, and where some of them are.
_OF_THE_SERVICES = frozenset(("us-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"))
_IN_OREGON = frozenset(("globalaccelerator", "networkmanager"))
# A script tries its five endpoints in turn, in five regions.
_ANYWHERE = "route53-recovery-cluster"


def at_home(call: Call, origin: Origin, configured: str | None, here: str | None) -> Origin:
    """The origin with the region of the machines; `problem` where it is uncertain, which denies.

    `configured` is the setting, `here` the region that this process is set up for.
    """
    theirs = "" if origin.made_for.startswith("aws-") or (here and call.service == _ANYWHERE) else origin.made_for
    if configured or not theirs or not here or theirs == here:
        return evolve(origin, home_region=configured or theirs or here or "")
    if theirs not in ({"us-west-2"} if call.service in _IN_OREGON else _OF_THE_SERVICES):
        return evolve(origin, home_region=theirs)
    return evolve(
        origin,
        problem=f"calls to {call.service} do not say where the machines are: the client was made for {theirs}, "
        f"and this program is set up for {here}; set home_region to the region of the machines",
    )

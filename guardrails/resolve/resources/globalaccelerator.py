"""Global Accelerator: accelerators, listeners and endpoint groups carry the clusters of their endpoints in this region.

Its API is in one region only: https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
"""

from __future__ import annotations

from guardrails.resolve.resources.trail import REGISTERED, UNKNOWN, Step, Trail
from guardrails.values import Lookup


def _starting(*prefixes: str) -> str:
    begins = " || ".join(f"starts_with(EndpointId, '{prefix}')" for prefix in prefixes)
    return f"EndpointDescriptions[?{begins}].EndpointId"


LISTENERS = Lookup(
    "globalaccelerator", "ListListeners", "Listeners", empty_on=("AcceleratorNotFoundException",), region="us-west-2"
)
GROUPS = Lookup(
    "globalaccelerator",
    "ListEndpointGroups",
    "EndpointGroups",
    empty_on=("ListenerNotFoundException",),
    region="us-west-2",
)
_GROUP = Lookup(
    "globalaccelerator",
    "DescribeEndpointGroup",
    "EndpointGroup",
    empty_on=("EndpointGroupNotFoundException",),
    region="us-west-2",
)
ACCELERATORS = Lookup("globalaccelerator", "ListAccelerators", "Accelerators", region="us-west-2")
_ATTACHMENT = Lookup(
    "globalaccelerator",
    "DescribeCrossAccountAttachment",
    "CrossAccountAttachment",
    empty_on=("AttachmentNotFoundException",),
    region="us-west-2",
)
_BALANCER = ":loadbalancer/"
_KNOWN = ("i-", "eipalloc-", "subnet-")
_ENDPOINTS = {
    REGISTERED: _starting("i-"),
    "eip": _starting("eipalloc-"),
    "subnet": _starting("subnet-"),
    "load-balancer": f"EndpointDescriptions[?contains(EndpointId, '{_BALANCER}')].EndpointId",
    UNKNOWN: "EndpointDescriptions[?!(" + " || ".join(
        [f"contains(EndpointId, '{_BALANCER}')", *(f"starts_with(EndpointId, '{known}')" for known in _KNOWN)]
    ) + ")].EndpointId",
}  # fmt: skip

# An accelerator without listeners, and a listener without groups, bring users to nothing.
TRAILS = {
    "accelerator": Trail(
        (Step(LISTENERS, {"ga-listener": "ListenerArn"}, parameter="AcceleratorArn"),), may_be_unused=True
    ),
    "ga-listener": Trail((Step(GROUPS, _ENDPOINTS, parameter="ListenerArn"),), may_be_unused=True),
    "endpoint-group": Trail((Step(_GROUP, _ENDPOINTS, parameter="EndpointGroupArn"),)),
    "ga-attachment": Trail((Step(_ATTACHMENT, {UNKNOWN: "Resources[].EndpointId"}, parameter="AttachmentArn"),)),
    "accelerator-dns": Trail((Step(ACCELERATORS, {"accelerator": "AcceleratorArn"}, "DnsName"),)),
}

"""What the machines of a launch are: the parameters of the call, over those of its launch template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from guardrails.values import Answer, Call, Lookup

Params = Mapping[str, Any]
TEMPLATE = Lookup("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions", optional=True)
# The subnet of an interface that names none.
ANYWHERE = ""
# A prefix that is delegated to an interface is a /28.
_PREFIX = 16


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The launch template that the call names, if any."""
    template = _template(call)
    return () if template is None else (_lookup(template),)


def spec_of(call: Call, answers: Mapping[str, Answer]) -> Params:
    """The parameters of a machine: those of the call, over those of its template."""
    own = call.params.get("LaunchSpecification") or call.params
    template = _template(call)
    answer = answers.get(_lookup(template).key()) if template is not None else None
    data = answer.items[0].get("LaunchTemplateData") or {} if answer is not None and answer.items else {}
    return {**data, **own}


def overrides(call: Call) -> list[Params]:
    """The variants of a fleet's machines."""
    request = call.params.get("SpotFleetRequestConfig") or {}
    configs = call.params.get("LaunchTemplateConfigs") or request.get("LaunchTemplateConfigs") or ()
    variants = [variant for config in configs for variant in config.get("Overrides") or ()]
    return [*variants, *(request.get("LaunchSpecifications") or ())]


def machine_tags(call: Call) -> dict[str, str]:
    """The tags that the call gives its machines."""
    specs = [spec for spec in call.params.get("TagSpecifications") or () if spec.get("ResourceType") == "instance"]
    tags = [tag for spec in specs for tag in spec.get("Tags") or ()]
    return {str(tag.get("Key")): str(tag.get("Value") or "") for tag in tags}


def addresses_by_subnet(spec: Params) -> dict[str, int]:
    """The addresses that one machine takes, by subnet."""
    default = spec.get("SubnetId") or ANYWHERE
    interfaces = spec.get("NetworkInterfaces")
    if not interfaces:
        return {str(default): 1}
    taken: Counter[str] = Counter()
    for interface in interfaces:
        # One that exists already has its addresses.
        if not interface.get("NetworkInterfaceId"):
            taken[str(interface.get("SubnetId") or default)] += addresses_of_interface(interface)
    return dict(taken)


def addresses_of_interface(interface: Params) -> int:
    """The addresses that a new interface takes."""
    listed = len(interface.get("PrivateIpAddresses") or interface.get("SecondaryPrivateIpAddresses") or ())
    prefixes = interface.get("Ipv4PrefixCount") or len(interface.get("Ipv4Prefixes") or ())
    more = interface.get("SecondaryPrivateIpAddressCount") or 0
    # PrivateIpAddresses lists the primary address as well.
    primary = 0 if interface.get("PrivateIpAddresses") else 1
    return primary + listed + int(more) + _PREFIX * int(prefixes)


def _template(call: Call) -> Params | None:
    params = call.params
    request = params.get("SpotFleetRequestConfig") or {}
    configs = params.get("LaunchTemplateConfigs") or request.get("LaunchTemplateConfigs")
    if configs:
        template = configs[0].get("LaunchTemplateSpecification")
    elif params.get("MixedInstancesPolicy"):
        template = (params["MixedInstancesPolicy"].get("LaunchTemplate") or {}).get("LaunchTemplateSpecification")
    else:
        template = params.get("LaunchTemplate")
    named = isinstance(template, Mapping) and (template.get("LaunchTemplateId") or template.get("LaunchTemplateName"))
    return template if named else None


def _lookup(template: Params) -> Lookup:
    names = {key: template[key] for key in ("LaunchTemplateId", "LaunchTemplateName") if template.get(key)}
    return TEMPLATE.about(**names, Versions=[str(template.get("Version") or "$Default")])

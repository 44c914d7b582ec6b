"""Stacks: what their templates and change sets create is judged like the services' own calls that create it. Pure."""

from __future__ import annotations

from functools import partial

from attrs import evolve

from guardrails.aws import templates
from guardrails.classify import cloud_control
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.cloud_control import Judge
from guardrails.values import Call, Private


def with_creations(call: Call, catalogue: Catalogue, judge: Judge) -> Call | None:
    """The call on a stack with what its creations come to; None for a new stack that takes nothing from others."""
    created = partial(cloud_control.created, call, catalogue, judge)
    private = call.private
    call = evolve(call, private=Private(private.params, private.payloads, private.native, created))
    return None if call.operation == "CreateStack" and _only_new(call) else call


def _only_new(call: Call) -> bool:
    """Whether the template is there, and creates nothing that could act on what exists."""
    body = call.clear_params.get("TemplateBody")
    if not templates.resources(body):
        return not (body or call.clear_params.get("TemplateURL"))
    for kind, properties in templates.created(body, call.clear_params.get("Parameters") or (), call.region).values():
        try:
            made = call.private.created(kind, properties)
        except ValueError:
            return False
        if made and any(templates.OWN not in target.id for target in made.targets if target.role == "target"):
            return False
    return True

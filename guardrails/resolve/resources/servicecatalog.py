"""Service Catalog: a provisioned product is the stack behind it.

https://docs.aws.amazon.com/servicecatalog/latest/dg/API_SearchProvisionedProducts.html
"""

from __future__ import annotations

from guardrails.resolve.resources.resolver import Answers, Context, Item, Part, Resolver, carried_by, named
from guardrails.values import Call, Lookup, Target, TargetRef

_PRODUCT = "provisioned-product"
_SEARCH = Lookup("servicecatalog", "SearchProvisionedProducts", "ProvisionedProducts")


def _about(name: str) -> Lookup:
    key = "id" if name.startswith("pp-") else "name"
    return _SEARCH.about(
        Filters={"SearchQuery": [f"{key}:{name}"]}, AccessLevelFilter={"Key": "Account", "Value": "self"}
    )


def _found(name: str, answers: Answers) -> list[Item]:
    answer = answers.get(_about(name).key())
    # AWS finds names that only contain what was searched for, too.
    return [item for item in (answer.items if answer else ()) if name in (item.get("Id"), item.get("Name"))]


def _stacks(ref: TargetRef, _call: Call, answers: Answers) -> tuple[Part, ...]:
    stacks = [str(item.get("PhysicalId") or "") for item in _found(ref.id, answers)]
    # One that is no stack, such as a Terraform workspace, cannot be followed.
    return tuple(
        Part(stack or ref.id, (TargetRef(stack, "cfn-stack"),) if ":stack/" in stack else ()) for stack in stacks
    )


def _product(ref: TargetRef, context: Context) -> Target:
    items = _found(ref.id, context.answers)
    clusters = carried_by(items, context)
    return Target(ref.id, _PRODUCT, ref.role, resolved=bool(items), clusters=clusters)


RESOLVERS = {
    _PRODUCT: Resolver(
        _product, (_SEARCH,), lambda call, _keys: tuple(map(_about, named(call, _PRODUCT))), parts=_stacks
    )
}

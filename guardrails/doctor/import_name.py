"""Whether another installed distribution also provides the package `guardrails`, as guardrails-ai does."""

from __future__ import annotations

from importlib.metadata import packages_distributions

_OURS = "botocore-guardrails"


def conflict() -> str:
    """A sentence that names the other distributions and the way out; "" if there is none."""
    others = sorted({name for name in packages_distributions().get("guardrails", ()) if name != _OURS})
    if not others:
        return ""
    return (
        f"{' and '.join(others)} also installs a package named guardrails, and each overwrites the other's files; "
        f"install {_OURS} in a virtual environment of its own"
    )

"""A plugin for the AWS CLI, which guards its calls from within.

In ``~/.aws/config``, where the CLI's own Python can import guardrails:

    [plugins]
    guardrails = guardrails.aws_cli

Version 2 ships its own Python. It needs ``cli_legacy_plugin_path`` in the same section: a folder with guardrails and
its dependencies for that version of Python. `guardrails docs running` lists what the plugin cannot cover.
"""

from __future__ import annotations

import sys
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.process import install


def awscli_initialize(event_hooks: Any) -> None:  # noqa: ARG001  (the CLI's signature)
    """What the CLI calls at its start. A guard that cannot be installed ends the CLI with exit code 2."""
    try:
        install()
    except GuardrailsError as error:
        sys.stderr.write(f"guardrails: {error}\n")
        sys.exit(2)

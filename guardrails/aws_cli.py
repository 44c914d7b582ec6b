"""A plugin for the AWS CLI that guards its calls from within.

In ``~/.aws/config``, if the CLI's Python can import guardrails:

    [plugins]
    guardrails = guardrails.aws_cli

Version 2 ships its own Python. It needs ``cli_legacy_plugin_path`` in the same section: a folder with guardrails and
its dependencies for that version of Python. `guardrails docs running` lists what the plugin cannot cover.
"""

from __future__ import annotations

import sys
from typing import Any

from guardrails.activation.hook import EXIT_CODE, public_install


def awscli_initialize(event_hooks: Any) -> None:  # noqa: ARG001  (the CLI's signature)
    """What the CLI calls when it starts. If the guard cannot be installed, the CLI ends with exit code 2."""
    try:
        public_install()()
    except Exception as error:  # whatever it is, the CLI must not carry on unguarded
        reason = f"the AWS CLI must be guarded (by its plugin) and cannot be: {type(error).__name__}: {error}"
        sys.stderr.write(f"guardrails: {reason}\n")
        sys.exit(EXIT_CODE)

"""``python -m guardrails``: the same as the `guardrails` command."""

from guardrails.cli import main

main()

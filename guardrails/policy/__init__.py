"""What the `guardrails policy` commands do, a folder or a file per command."""

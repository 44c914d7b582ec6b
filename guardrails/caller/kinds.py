"""What makes a call: a person, a script, a CI job, a notebook, or an agent that runs on its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from guardrails.values import CallerKind, frozen

# What the hosts of agents set for the programs that they start, also in a pseudo-terminal. Claude Code:
# https://code.claude.com/docs/en/env-vars; Gemini CLI: its documentation of run_shell_command; Cursor, Codex, Cline,
# Goose, Amp and others as AWS's CDK (packages/aws-cdk/lib/cli/util/detect-agent.ts), Vercel
# (https://github.com/vercel/vercel/tree/main/packages/detect-agent) and the Databricks SDKs (KnownAgent) look for them.
# AGENT and AI_AGENT are names that several hosts have agreed on: https://agents.md and Vercel's page.
AGENT_MARKS = (
    "AGENT",
    "AI_AGENT",
    "AMP_CURRENT_THREAD_ID",
    "ANTIGRAVITY_AGENT",
    "AUGMENT_AGENT",
    "AWS_EXECUTION_ENV=AmazonQ",
    "CLAUDECODE",
    "CLINE_ACTIVE",
    "CODEX_CI",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_THREAD_ID",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "GOOSE_TERMINAL",
    "KIRO",
    "OPENCLAW_SHELL",
    "OPENCODE",
    "QWEN_CODE",
    "WINDSURF_AGENT",
)
# https://docs.github.com/actions/reference/variables-reference, GitLab's, CodeBuild's, Jenkins' and the others'
# references of predefined variables. Nearly all set CI as well.
CI_MARKS = (
    "BITBUCKET_BUILD_NUMBER",
    "BUILDKITE",
    "CI",
    "CIRCLECI",
    "CODEBUILD_BUILD_ID",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
)
_NO = frozenset(("", "0", "false", "no"))


@frozen
class CallerSettings:
    """What makes the calls here, where the environment does not show it, and the variables that show an agent."""

    kind: CallerKind | None = None
    agent_marks: tuple[str, ...] = AGENT_MARKS


def mark_of(names: tuple[str, ...], environment: Mapping[str, str] = os.environ) -> str:
    """The first of these variables that is set, and does not say no; "" where none is.

    ``NAME=PART`` is one whose value has that part.
    """
    for name, _, part in (one.partition("=") for one in names):
        value = environment.get(name, "").lower()
        if value not in _NO and part.lower() in value:
            return name
    return ""


def kind(settings: CallerSettings, *, notebook: bool) -> CallerKind:
    """What makes the calls of this process.

    The mark of an agent counts whatever `kind` is set: an agent may edit the configuration of its project.
    """
    if mark_of(settings.agent_marks):
        return "agent"
    if settings.kind is not None:
        return settings.kind
    if mark_of(CI_MARKS):
        return "ci"
    if notebook:
        return "notebook"
    return "person" if _at_terminal() else "script"


def _at_terminal() -> bool:
    """Whether a person sees what this process says, and can answer it."""
    try:
        stdin = sys.stdin.fileno()
        return os.isatty(stdin) and os.isatty(sys.stderr.fileno()) and os.tcgetpgrp(stdin) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False

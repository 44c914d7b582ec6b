"""A small sample of each area of the fuzzer, the same one at every run."""

from __future__ import annotations

import pytest

from tests.fuzz import bundles, calls, cli, config, logs, rego
from tests.fuzz.area import Run

# One for each protocol, one whose host and path say which bucket, and two with the same name in signatures.
SERVICES = ("autoscaling", "ec2", "sqs", "cloudwatch", "efs", "s3", "s3control", "route53")


def no_findings(run: Run) -> None:
    """Nothing was found, and something was tried."""
    assert run.findings == {}
    assert run.counts


@pytest.mark.parametrize("service", SERVICES)
def test_calls(service):
    """What is read is what was sent, targets are those of the parameters, and nothing governed leaves undecided."""
    run = Run("calls", 1, 60)
    calls.fuzz(run, [service], most=20)
    no_findings(run)
    assert run.counts["governed calls"]


def test_configurations():
    """A broken configuration is one sentence, whatever is wrong with it."""
    run = Run("config", 1, 60)
    config.fuzz(run, most=150)
    no_findings(run)
    assert 0 < run.counts["that load"] < run.counts["configurations"]


def test_command_lines():
    """Each command says in a sentence what is wrong with its arguments, and ends with a documented exit code."""
    run = Run("cli", 1, 60)
    cli.fuzz(run, most=40)
    no_findings(run)
    assert run.counts["exit code 2"]


def test_logs():
    """What can be read of damaged logs and CloudTrail files is read, and nothing fails."""
    run = Run("logs", 1, 60)
    logs.fuzz(run, most=60)
    no_findings(run)
    assert run.counts["decisions read"]
    assert run.counts["calls read"]


def test_bundles():
    """A broken bundle is one sentence; a valid signature is one of exactly its files."""
    run = Run("bundles", 1, 60)
    bundles.fuzz(run, most=250, bombs=False)
    no_findings(run)
    assert 0 < run.counts["that load"] < run.counts["bundles"]
    assert run.counts["with a valid signature"]


def test_policies(opa_versions_built):
    """Generated policies give the same answers on the embedded engine, the oldest OPA and the newest."""
    run = Run("rego", 1, 60)
    rego.fuzz(run, most=150)
    no_findings(run)
    assert run.counts["answers compared"] > 500

"""Decisions and look-ups as OpenTelemetry's spans and metrics; without the key or the package, nothing of that."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.environments import ROOT

SCRIPT = """
import json, os, sys
import boto3, botocore.exceptions
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import guardrails

class Broken(SpanProcessor):
    def on_end(self, span):
        if span.name.startswith("guardrails"):
            raise OSError("no exporter")

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
provider.add_span_processor(Broken())
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))

started = []
class Started(SpanProcessor):
    def on_start(self, span, parent_context=None):
        started.append(span.name)
provider.add_span_processor(Started())

log = {"path": os.environ["HOME"] + "/log", "sink": "http://127.0.0.1:9/logs", "upload": False}
patient = {"lookup_timeout_s": 60, "max_fact_age_s": 60}
guardrails.install({"log": log, "telemetry": json.loads(os.environ["TELEMETRY"]), **patient})
ec2 = boto3.client("ec2")
ec2.describe_instances()
ec2.create_security_group(GroupName="g", Description="d")
before = list(started)
blue, green = json.loads(os.environ["MACHINES"])
with trace.get_tracer("script").start_as_current_span("script"):
    ec2.stop_instances(InstanceIds=[green])
    try:
        ec2.terminate_instances(InstanceIds=[blue])
    except guardrails.CallDenied:
        pass
found = [(each.name, each.parent and each.parent.span_id, each.context.span_id, dict(each.attributes or {}))
         for each in spans.get_finished_spans()]
data, points = reader.get_metrics_data(), {}
for resource in data.resource_metrics if data else ():
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            points[metric.name] = [[dict(p.attributes), getattr(p, "value", None) or getattr(p, "count", 0)]
                                   for p in metric.data.data_points]
print(json.dumps({"spans": found, "metrics": points, "before": before}))
"""


@pytest.fixture
def traced(python_of, site, aws, tmp_path):
    """traced(telemetry): what the script's spans and metrics are, in a Python with OpenTelemetry."""

    def run(telemetry):
        machines = json.dumps([site.blue.instance_ids[0], site.green.instance_ids[0]])
        variables = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "MACHINES": machines,
            "TELEMETRY": json.dumps(telemetry), **aws.environment(),
        }  # fmt: skip
        done = subprocess.run(
            [python_of("tracers"), "-c", SCRIPT], env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_a_span_for_each_decision(traced, aws):
    """Each governed decision is a span of the script's, with its look-ups below it; what is ungoverned makes none.

    A processor that fails breaks no call.
    """
    found = traced(telemetry=True)
    assert found["before"] == []
    by_id = {own: name for name, _, own, _ in found["spans"]}
    parents = {(name, by_id.get(parent)) for name, parent, _, _ in found["spans"]}
    assert ("guardrails ec2:StopInstances", "script") in parents
    assert ("guardrails ec2:TerminateInstances", "script") in parents
    assert ("guardrails look-up ec2:DescribeInstances", "guardrails ec2:StopInstances") in parents
    assert {parent for name, parent in parents if "look-up" in name} <= {
        "guardrails ec2:StopInstances",
        "guardrails ec2:TerminateInstances",
    }
    (denied,) = [attributes for name, _, _, attributes in found["spans"] if name == "guardrails ec2:TerminateInstances"]
    assert denied["guardrails.rules"] == ["live-cluster/terminate"]
    assert (denied["guardrails.action"], denied["guardrails.sent"], denied["guardrails.mode"]) == (
        "deny",
        False,
        "enforce",
    )
    assert denied["guardrails.live_clusters"] == ["blue"]
    assert denied["guardrails.evidence_age_s"] >= 0
    assert denied["guardrails.decision_id"]
    assert (aws.count("StopInstances"), aws.count("TerminateInstances")) == (1, 0)

    _check_what_is_counted(found["metrics"])


def _check_what_is_counted(points):
    """Decisions by action, rules, saves, and how long look-ups and the memory took."""
    by_action = {attributes["guardrails.action"]: value for attributes, value in points["guardrails.decisions"]}
    assert by_action == {"allow": 1, "deny": 1}
    rules = [[{"guardrails.rule": "live-cluster/terminate", "guardrails.action": "deny"}, 1]]
    assert points["guardrails.rules"] == rules
    assert points["guardrails.saves"] == [[{}, 1]]
    assert {attributes["guardrails.lookup"] for attributes, _ in points["guardrails.lookup.duration"]} >= {
        "ec2:DescribeInstances",
        "ec2:DescribeAddresses",
    }
    assert "remember" in {attributes["guardrails.step"] for attributes, _ in points["guardrails.store.duration"]}
    ((_, waiting),) = points["guardrails.spool.size"]
    assert waiting > 1000
    assert points["guardrails.evidence.age"][0][1] == 2
    assert points["guardrails.decision.duration"][0][1] == 2


def test_it_is_off_by_default(traced):
    """Without the key, a program that uses OpenTelemetry gets no span and no metric of the guard."""
    found = traced(telemetry=False)
    assert [name for name, *_ in found["spans"]] == ["script"]
    assert found["metrics"] == {}


def test_without_the_package(install, site, aws, caplog, monkeypatch):
    """Without OpenTelemetry's API the key is one warning with the command that installs it, and calls go on."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    install(telemetry=True)
    site.ec2.stop_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("StopInstances") == 1
    assert sum("botocore-guardrails[otel]" in record.message for record in caplog.records) == 1

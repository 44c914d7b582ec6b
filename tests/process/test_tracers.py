"""Tracers see the script's calls, and nothing of the guard's look-ups and self-test; none of them blocks a call."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.support.environments import ROOT

# What each prints last: a JSON object with the operations that the tracer saw.
START = {
    "x-ray": """
from aws_xray_sdk.core import patch_all, xray_recorder
class Kept:
    def send_entity(self, entity): seen.extend(names(entity))
    def set_daemon_address(self, _): pass
def names(entity):
    found = [entity.aws["operation"]] if getattr(entity, "aws", None) and "operation" in entity.aws else []
    return found + [name for one in entity.subsegments for name in names(one)]
xray_recorder.configure(sampling=False, context_missing="RUNTIME_ERROR", emitter=Kept())
start = patch_all
around = lambda: xray_recorder.in_segment("script")
""",
    "opentelemetry": """
from opentelemetry import trace
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
class Kept(SpanProcessor):
    # Of urllib3, only what has no call of botocore's around it.
    def on_start(self, span, parent_context=None):
        if span.attributes.get("rpc.method") or span.parent is None:
            seen.append(span.attributes.get("rpc.method") or span.name)
provider = TracerProvider()
provider.add_span_processor(Kept())
trace.set_tracer_provider(provider)
def start():
    BotocoreInstrumentor().instrument()
    URLLib3Instrumentor().instrument()
around = contextlib.nullcontext
""",
    "datadog": """
import os
os.environ.update(DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_REMOTE_CONFIGURATION_ENABLED="false")
from ddtrace import patch
from ddtrace.trace import TraceFilter, tracer
class Kept(TraceFilter):
    def process_trace(self, trace):
        own = [span for span in trace if span.get_tag("aws.operation") or not span.parent_id]
        seen.extend(span.get_tag("aws.operation") or span.name for span in own)
        return None
tracer.configure(trace_processors=[Kept()])
start = lambda: patch(botocore=True, urllib3=True)
around = contextlib.nullcontext
""",
    "sentry": """
import sentry_sdk
from sentry_sdk.transport import Transport
class Kept(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            seen.extend(span["description"].rpartition(".")[2] for span in (item.payload.json or {}).get("spans", ()))
start = lambda: sentry_sdk.init(dsn="http://a@127.0.0.1:9/1", traces_sample_rate=1.0, transport=Kept)
around = lambda: sentry_sdk.start_transaction(name="script")
""",
}  # fmt: skip
# It registers botocore's own events, from where it cannot let a call fail: look-ups are spans of the script's trace.
AT_THE_EVENTS = ("sentry",)
SCRIPT = """
import contextlib, json, sys
seen, ends = [], []
{start}
import boto3, guardrails
install = lambda: guardrails.install({{"log": {{"path": sys.argv[1]}}, "max_fact_age_s": 60}})
for step in {order}:
    step()
with around():
    ec2 = boto3.client("ec2")
    for machine in sys.argv[2:]:
        try:
            ec2.terminate_instances(InstanceIds=[machine])
            ends.append("sent")
        except guardrails.CallDenied as error:
            ends.append(error.decision.violations[0].rule if error.decision.violations else str(error))
guardrails.process.current().self_test()
print(json.dumps([ends, seen]))
"""


@pytest.mark.parametrize("order", ["start, install", "install, start"])
@pytest.mark.parametrize("tracer", START)
def test_a_tracer(tracer, order, aws, site, tmp_path, python_of):
    """Started before the guard or after it: the live machine is protected, the other one terminated, two calls seen."""
    environment = {**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT)}
    machines = [site.blue.instance_ids[0], site.green.instance_ids[0]]
    script = SCRIPT.format(start=START[tracer], order=f"({order})")
    done = subprocess.run(
        [python_of("tracers"), "-c", script, str(tmp_path / "decisions.jsonl"), *machines],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ends, seen = json.loads(done.stdout.splitlines()[-1])
    assert ends == ["live-cluster/terminate", "sent"]
    if tracer in AT_THE_EVENTS:
        assert "TerminateInstances" in seen
    else:
        assert seen == ["TerminateInstances", "TerminateInstances"]
    assert aws.count("TerminateInstances") == 1
    assert aws.count("DescribeInstances") == 1

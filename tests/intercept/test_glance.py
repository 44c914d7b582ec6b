"""A call that is not governed costs next to nothing, and still cannot become another one."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.awsrequest import HeadersDict

import guardrails
from guardrails.classify.catalogue import Catalogue
from guardrails.intercept.glance import Glance
from guardrails.intercept.request.operation import Services
from tests.benchmarks.overhead import CALLS

SESSION = botocore.session.get_session()
CATALOGUE = Catalogue()
SERVICES = Services(CATALOGUE, SESSION)
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
HARMFUL = {"Action": "TerminateInstances", "Version": "2016-11-15"}
OBJECTS = [
    "https://b.s3.eu-west-1.amazonaws.com/k", "https://s3.eu-west-1.amazonaws.com/b/k/l.txt",
    "https://b.s3.dualstack.eu-west-1.amazonaws.com/a//b/../c", "http://127.0.0.1:5000/b/k",
    "https://storage.example.com/b/c/k", "https://b.s3.eu-west-1.amazonaws.com/k?partNumber=1&uploadId=x",
]  # fmt: skip
BUCKETS = [
    "https://b.s3.eu-west-1.amazonaws.com/", "https://b.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:5000/b/",
    "https://s3.eu-west-1.amazonaws.com/b", "https://s3.eu-west-1.amazonaws.com/b?x=/k",
    "https://b.s3.eu-west-1.amazonaws.com?x=/k", "https://b.s3.eu-west-1.amazonaws.com/#/k",
    "https://storage.example.com/b", "https://b.storage.example.com/", "https://u@b.s3.eu-west-1.amazonaws.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", OBJECTS)
def test_an_object_is_not_taken_for_its_bucket(url):
    """The URL of an object, wherever its bucket is named, is clearly not a governed request."""
    for method in ("PUT", "DELETE"):
        assert SERVICES.rest("s3").governed[method].clear(url)


@pytest.mark.parametrize("url", BUCKETS)
def test_a_bucket_is_looked_at(url):
    """The deletion of a bucket is never called clear, however its URL is written."""
    assert not SERVICES.rest("s3").clear("DELETE", url)


@pytest.mark.parametrize("query", ["policy", "lifecycle=", "x=1&policy", "%70olicy"])
def test_a_part_of_a_bucket_is_looked_at(query):
    """So is every request whose query may name a governed operation."""
    for url in ("https://b.s3.eu-west-1.amazonaws.com/", "https://s3.eu-west-1.amazonaws.com/b"):
        assert not SERVICES.rest("s3").governed["PUT"].clear(f"{url}?{query}")


@pytest.mark.parametrize("method", ["delete", "MOVE", ""])
def test_an_unknown_method_is_looked_at(method):
    """A method that the service does not have is not clear."""
    assert not SERVICES.rest("s3").clear(method, "https://s3.eu-west-1.amazonaws.com/b/k")


def _requests(service, method, params):
    """The request dict of a call and its prepared request, as botocore makes them, and the operation's model."""
    client = SESSION.create_client(service, region_name="eu-west-1", **KEYS)
    seen = {}
    client.meta.events.register_last("before-call", lambda model, params, **_: seen.update(model=model, asked=params))
    client.meta.events.register_last("before-send", lambda request, **_: seen.update(sent=request) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        getattr(client, method)(**params)
    return seen["model"], seen["asked"], seen["sent"]


@pytest.mark.parametrize(("service", "method"), CALLS)
def test_a_request_fits_until_it_is_changed(service, method):
    """Each protocol's request is recognized before it is signed and when it is sent, and a changed one is not."""
    model, asked, sent = _requests(service, method, CALLS[service, method])
    glance = Glance(SERVICES, SERVICES.of_model(model.service_model), model)
    assert glance.fits(asked)
    assert glance.still_fits(sent)
    if SERVICES.of_model(model.service_model) not in SERVICES.known:
        return
    if SERVICES.rest(service) is not None:
        governed = {"s3": "https://b.s3.eu-west-1.amazonaws.com/", "lambda": "https://x/2015-03-31/functions/f"}
        asked["url"] = sent.url = governed[service]
        asked["method"] = sent.method = "DELETE"
    elif "X-Amz-Target" in asked["headers"]:
        asked["headers"]["X-Amz-Target"] = "Service.DeleteTable"
        sent.headers["X-Amz-Target"] = b"Service.DeleteTable"
    else:
        asked["body"] = {**asked["body"], "Action": "TerminateInstances"}
        sent.body = urlencode(HARMFUL)
    assert not glance.fits(asked)
    assert not glance.still_fits(sent)


@pytest.mark.parametrize("first", [True, False])
def test_the_header_decides_wherever_it_stands(first):
    """A request of the JSON protocol is recognized by the name and value of its header, not by its place."""
    model, _, sent = _requests("ssm", "get_parameter", {"Name": "n"})
    glance = Glance(SERVICES, "ssm", model)
    target, others = sent.headers["X-Amz-Target"], {k: v for k, v in sent.headers.items() if k != "X-Amz-Target"}

    def with_target(named, value):
        asked = {named: value}
        sent.headers = HeadersDict({**asked, **others} if first else {**others, **asked})
        return glance.still_fits(sent)

    assert with_target("x-amz-target", target)
    assert not with_target("X-Target", target)
    assert not with_target("X-Amz-Target", b"AmazonSSM.SendCommand")
    assert not with_target("X-Amz-Target", target.decode())


def _change_dict(params, **_):
    params["body"] = {**HARMFUL, "InstanceId.1": _change_dict.machine}


def _change_data(request, **_):
    request.data = {**HARMFUL, "InstanceId.1": _change_dict.machine}


def _change_body(request, **_):
    request.body = urlencode({**HARMFUL, "InstanceId.1": _change_dict.machine})
    request.headers["Content-Length"] = str(len(request.body))


CHANGES = {"before-call": _change_dict, "request-created": _change_data, "before-sign": _change_data,
           "before-send": _change_body}  # fmt: skip


def test_a_known_harmless_call_that_becomes_harmful(site, aws, install):
    """However often an operation was sent, a handler that turns it into a termination does not get it to the server."""
    install()
    _change_dict.machine = site.blue.instance_ids[0]
    for event, change in CHANGES.items():
        for register in ("register_first", "register_last"):
            client = aws.client("ec2")
            for _ in range(2):
                client.describe_instances()
            getattr(client.meta.events, register)(event, change)
            with pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"):
                client.describe_instances()
            client.meta.events.unregister(event, change)
            before = aws.count("DescribeInstances")
            client.describe_instances()
            assert aws.count("DescribeInstances") == before + 1
    assert aws.count("TerminateInstances") == 0


def test_no_model_is_read_for_an_ungoverned_call(aws, install, monkeypatch):
    """The guard reads 18 MB about EC2 for a governed call, not for a `DescribeInstances`."""
    install()
    read = []
    monkeypatch.setattr(Services, "model", lambda _, service: read.append(service) or 1 / 0)
    aws.client("ec2").describe_instances()
    aws.client("sns").list_topics()
    aws.client("dynamodb").list_tables()
    assert (read, aws.count("DescribeInstances"), aws.count("ListTables")) == ([], 1, 1)


@pytest.mark.parametrize(("service", "method"), [("ec2", "describe_regions"), ("s3", "list_buckets")])
def test_few_functions_run_for_an_ungoverned_call(service, method, aws, install):
    """What the guard adds is counted in calls of its functions, which does not depend on the machine."""
    install()
    call = getattr(aws.client(service), method)
    call()
    counted, ours = [], f"{Path(guardrails.__file__).parent}{os.sep}"

    def count(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(ours):
            counted.append(frame.f_code.co_qualname)

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    assert len(counted) <= 7, counted


@pytest.mark.parametrize("enabled", [True, False])
def test_install_leaves_the_garbage_collector_as_it_was(enabled, install):
    """It is paused while the guard starts, and stays off where the program has switched it off."""
    (gc.enable if enabled else gc.disable)()
    try:
        install()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()

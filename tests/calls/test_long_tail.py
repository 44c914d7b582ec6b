"""Services without their own file: opt-in, chosen by AWS's access level, judged by the cluster tag of their targets."""

from __future__ import annotations

import json
import re

import botocore.session
import pytest

import guardrails
from guardrails.classify.catalogue import Catalogue
from tests.calls.test_catalogue import problems
from tests.support import rest

TAIL = Catalogue(long_tail=True)
KEYS = sorted(TAIL.services - Catalogue().services)
SESSION = botocore.session.get_session()


def test_there_are_many() -> None:
    """More than 200 services without their own file, and more than 1,000 operations."""
    assert len(KEYS) > 200
    assert sum(len(TAIL.service(key).operations) for key in KEYS) > 1000


def test_every_path_fits_the_model() -> None:
    """Each operation exists, is found by its signing name, and each path names a string in its input."""
    wrong = []
    for key in KEYS:
        service = TAIL.service(key)
        model = SESSION.get_service_model(service.service)
        assert model.signing_name == service.signing_name
        assert TAIL.service_of(model.signing_name, model.api_version) == key
        for entry in service.operations.values():
            shape = model.operation_model(entry.operation).input_shape
            assert entry.targets
            wrong += [problem for target in entry.targets for problem in problems(target.path.text, shape, "strings")]
        wrong += untagged(model, {*service.operations})
    assert wrong == []


@pytest.mark.parametrize("catalogue", [Catalogue(), TAIL], ids=["reviewed", "all"])
def test_every_service_of_botocore_has_a_key(catalogue) -> None:
    """Whatever service a call is to, with or without its version, the catalogue finds a key that it can look up."""
    for name in SESSION.get_available_services():
        model = SESSION.get_service_model(name)
        for version in (model.api_version, ""):
            key = catalogue.service_of(model.signing_name, version)
            assert (key in catalogue.services) == bool(catalogue.services & {key, model.signing_name}), name
            assert [catalogue.lookup(key, operation) for operation in model.operation_names], name


@pytest.mark.parametrize(
    ("service", "method", "params", "arn"),
    [
        ("lex-models", "delete_bot", {"name": "{}-bot"}, "lex:eu-west-1:123456789012:bot:{}-bot"),
        ("connectcampaigns", "delete_campaign", {"id": "{}1"}, "connect-campaigns:eu-west-1:123456789012:campaign/{}1"),
    ],
)  # fmt: skip
def test_services_that_sign_with_a_name_of_no_service(service, method, params, arn, places, aws, install, monkeypatch):
    """What the live cluster's tag is on stays and green's may go; an ungoverned call to a sibling is sent."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    rows = {f"arn:aws:{arn.format(name)}": name for name in places}
    rows |= {f"arn:aws:ec2:eu-west-1:123456789012:instance/{parts.machine}": name for name, parts in places.items()}
    mapping = [{"ResourceARN": each, "Tags": [{"Key": "Cluster", "Value": name}]} for each, name in rows.items()]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    install(live={"eip_addresses": [places["blue"].public_ip]}, long_tail=True)
    for name in places:
        spelled = {key: value.format(name) for key, value in params.items()}
        denied = rest.attempt(aws, service, method, spelled)
        assert denied == (None if name == "green" else {"live-cluster/terminate", "None"}), name
    talk = {"botName": "b", "botAlias": "a", "userId": "u1", "inputText": "hi"}
    assert rest.attempt(aws, "lex-runtime", "post_text", talk) is None


def untagged(model, judged):
    """Operations that change the tags of what an ARN names, and are not judged."""
    found = {
        name for name in model.operation_names if re.fullmatch("(Tag|Untag)Resource|(Add|Remove|Delete)Tags", name)
    }
    return [f"{model.service_name}:{name}" for name in sorted(found - judged)]


def test_tags_of_reviewed_services_are_judged() -> None:
    """Where the cluster tag says whose a resource is, the operations that take the tag away are judged."""
    for key in sorted(Catalogue().services):
        service = TAIL.service(key)
        if any(target.type == "tagged" for entry in service.operations.values() for target in entry.targets):
            assert untagged(SESSION.get_service_model(service.service), {*service.operations}) == []


def test_only_what_is_listed_is_judged() -> None:
    """A service of the tail has no unreviewed operations."""
    assert TAIL.governs("glue", "DeleteJob")
    assert not TAIL.governs("glue", "StartJobRun")
    assert not TAIL.governs("glue", "ObliterateEverything")
    assert not Catalogue().governs("glue", "DeleteJob")


@pytest.fixture
def jobs(aws):
    """A Glue job of the live cluster, one of the other, and one without a cluster tag."""
    glue = aws.client("glue")
    aws.start_cluster("blue", 1, addresses=1)
    aws.start_cluster("green", 1)
    for name in ("blue", "green", ""):
        glue.create_job(
            Name=f"jobs-{name}", Role="r", Command={"Name": "glueetl"}, Tags={"Cluster": name} if name else {}
        )
    aws.clear()
    return glue


def test_the_live_clusters_job_stays(aws, install, jobs):
    """The job that carries the live cluster's tag is not deleted; the others are."""
    install(long_tail=True)
    with pytest.raises(guardrails.CallDenied, match=r"DeleteJob would terminate .*jobs-blue, a resource of the live"):
        jobs.delete_job(JobName="jobs-blue")
    assert aws.count("DeleteJob", "AWSGlue.DeleteJob") == 0
    jobs.delete_job(JobName="jobs-green")
    jobs.delete_job(JobName="jobs-")
    assert jobs.list_jobs()["JobNames"] == ["jobs-blue"]


def test_off_by_default(aws, install, jobs):
    """Without the setting such a call passes without a look-up."""
    install()
    jobs.delete_job(JobName="jobs-blue")
    assert len(aws.requests) == 1

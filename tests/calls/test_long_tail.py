"""Services without their own file: opt-in, chosen by AWS's access level, judged by the cluster tag of their targets."""

from __future__ import annotations

import re

import botocore.session
import pytest

import guardrails
from guardrails.classify.catalogue import Catalogue
from tests.calls.test_catalogue import problems

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

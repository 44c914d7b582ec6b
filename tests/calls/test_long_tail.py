"""Services without their own file: opt-in, chosen by AWS's access level, judged by the cluster tag of their targets."""

from __future__ import annotations

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
        assert model.signing_name == key
        for entry in service.operations.values():
            shape = model.operation_model(entry.operation).input_shape
            assert entry.targets
            wrong += [problem for target in entry.targets for problem in problems(target.path.text, shape, "strings")]
    assert wrong == []


def test_only_what_is_listed_is_judged() -> None:
    """A service of the tail has no unreviewed operations."""
    assert TAIL.governs("sqs", "DeleteQueue")
    assert not TAIL.governs("sqs", "DeleteMessage")
    assert not TAIL.governs("sqs", "ObliterateEverything")
    assert not Catalogue().governs("sqs", "DeleteQueue")


@pytest.fixture
def queues(aws):
    """A queue of the live cluster, one of the other, and one without a cluster tag."""
    sqs = aws.client("sqs")
    aws.start_cluster("blue", 1, addresses=1)
    aws.start_cluster("green", 1)
    found = {
        name: sqs.create_queue(QueueName=f"jobs-{name}", tags={"Cluster": name} if name else {})["QueueUrl"]
        for name in ("blue", "green", "")
    }
    aws.clear()
    return sqs, found


def test_the_live_clusters_queue_stays(aws, install, queues):
    """The queue that carries the live cluster's tag is not deleted; the others are."""
    sqs, urls = queues
    install(long_tail=True)
    with pytest.raises(guardrails.CallDenied, match=r"DeleteQueue would terminate .*jobs-blue, a resource of the live"):
        sqs.delete_queue(QueueUrl=urls["blue"])
    assert aws.count("DeleteQueue", "AmazonSQS.DeleteQueue") == 0
    sqs.delete_queue(QueueUrl=urls["green"])
    sqs.delete_queue(QueueUrl=urls[""])
    assert sqs.list_queues()["QueueUrls"] == [urls["blue"]]


def test_off_by_default(aws, install, queues):
    """Without the setting such a call passes without a look-up."""
    sqs, urls = queues
    install()
    sqs.delete_queue(QueueUrl=urls["blue"])
    assert len(aws.requests) == 1

"""A region in which nothing is live, beside the one that users reach: it is not closed for good."""

from __future__ import annotations

import pytest

import guardrails

ELSEWHERE = "us-east-1"
ENTRANCES = ["eip", "target-group"]
FREE = {"nothing_live": "allow"}


@pytest.fixture
def there(aws, site):
    """A client of the other region, and the ids of two machines of staging in it. Blue is live at home."""
    client = aws.session().client("ec2", region_name=ELSEWHERE)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "staging"}]}]
    made = client.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2, TagSpecifications=tags)
    return client, [machine["InstanceId"] for machine in made["Instances"]]


def _terminate(there, aws, site):
    """Terminates both machines of the other region; at home, one of green goes and one of blue stays."""
    client, ids = there
    client.terminate_instances(InstanceIds=ids)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 2
    with pytest.raises(guardrails.CallDenied, match="live cluster blue"):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 2


def test_a_tag_that_no_machine_has_says_nothing(there, aws, site, install):
    """Where no machine has the live tag, and users reach nothing, the parameter nothing_live decides."""
    install(live={"sources": [*ENTRANCES, "tag"]}, params=FREE)
    _terminate(there, aws, site)


def test_a_tag_with_another_value_says_something(there, aws, site, install):
    """Where machines have the tag with another value, someone keeps it: then nothing may be assumed."""
    client, ids = there
    client.create_tags(Resources=ids[:1], Tags=[{"Key": "Live", "Value": "false"}])
    install(live={"sources": [*ENTRANCES, "tag"]}, params=FREE)
    with pytest.raises(guardrails.CallDenied, match="no source says which cluster is live"):
        client.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0


def test_the_regions_of_a_pointer(there, aws, site, install, monkeypatch):
    """A pointer to a cluster of another region closes this one, until the configuration says which it speaks of."""
    monkeypatch.setenv("LIVE_CLUSTER", "blue")
    live = {"sources": [*ENTRANCES, "env"], "env": "LIVE_CLUSTER"}
    install(live=live, params=FREE)
    client, ids = there
    with pytest.raises(guardrails.CallDenied, match=r"If it is in another region, name that in live\.regions"):
        client.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0
    guardrails.uninstall()
    install(live={**live, "regions": ["eu-west-1"]}, params=FREE)
    _terminate(there, aws, site)


def test_what_is_there_counts_everywhere(there, aws, site, install, monkeypatch):
    """A pointer to a cluster that has machines in this region protects them, whatever regions it speaks of."""
    client, ids = there
    monkeypatch.setenv("LIVE_CLUSTER", "staging")
    install(live={"sources": [*ENTRANCES, "env"], "env": "LIVE_CLUSTER", "regions": ["eu-west-1"]}, params=FREE)
    with pytest.raises(guardrails.CallDenied, match="live cluster staging"):
        client.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0


def test_at_home_the_pointer_counts(there, aws, site, install, monkeypatch):
    """In a region that it speaks of, a pointer to nothing keeps everything closed."""
    monkeypatch.setenv("LIVE_CLUSTER", "bleu")
    client, ids = there
    install(live={"sources": [*ENTRANCES, "env"], "env": "LIVE_CLUSTER", "regions": [ELSEWHERE]}, params=FREE)
    with pytest.raises(guardrails.CallDenied, match="bleu has no machines"):
        client.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0


def test_without_a_look_at_both_entrances(there, aws, site, install):
    """Where nobody looked at load balancers, nothing is known to be live nowhere; the message names what to add."""
    client, ids = there
    install(live={"sources": ["eip", "tag"]}, params=FREE)
    with pytest.raises(
        guardrails.CallDenied, match=f"users reach nothing in {ELSEWHERE}, add target-group to live.sources"
    ):
        client.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0

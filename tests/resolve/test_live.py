"""Which cluster is live: each source, and how several of them are combined."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.config.settings import SOURCES
from guardrails.resolve import live as sources_of_liveness
from guardrails.resolve.live import combine
from guardrails.resolve.live.source import cluster_names
from guardrails.values import SourceReport

CLUSTERS = st.sampled_from(["blue", "green", "red"])
NAMES = st.sampled_from(["eip", "tag", "ssm"])
REPORTS = st.lists(st.builds(SourceReport, NAMES, st.lists(CLUSTERS).map(tuple), st.just(1.0), st.text()), min_size=1)


def test_every_configurable_source_is_implemented():
    """The names that the configuration accepts are those of the sources, and each has a file of its name."""
    assert sources_of_liveness.NAMES == SOURCES
    assert tuple(sources_of_liveness.source(name).name for name in SOURCES) == SOURCES
    files = {file.stem.replace("_", "-") for file in Path(sources_of_liveness.__file__).parent.glob("*.py")}
    shared = {"--init--", "source", "ways", "which-listeners", "reached", "endpoints", "dns-records", "ecs-services"}
    assert files == shared | {*SOURCES}


@given(REPORTS, st.sets(CLUSTERS))
def test_combination(reports, existing):
    """Every named cluster is live; sources that differ are in dispute; it is known if one of them has machines."""
    live = combine(reports, existing)
    named = {cluster for report in reports for cluster in report.clusters}
    assert set(live.clusters) == named
    assert live.disputed == any(set(one.clusters) != set(other.clusters) for one in reports for other in reports)
    assert live.known == bool(named & existing)
    # The order of the sources does not matter.
    other = combine(reversed(reports), existing)
    assert (other.clusters, other.disputed, other.known) == (live.clusters, live.disputed, live.known)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("blue\n", ("blue",)),
        (" green , blue\n# red\n", ("blue", "green")),
        ("blue # since Monday\n", ("blue",)),
        ("", ()),
        ("\n ,\n", ()),
        (None, ()),
    ],
)
def test_names(value, expected):
    """Cluster names are separated by commas or lines; comments and empty entries name none."""
    assert cluster_names(value) == expected


@pytest.fixture
def seen(aws, install):
    """seen(**live): which clusters are live with these settings, and the sources' reports."""

    def look(**live):
        guard = install(live=live)
        facts = guard.live(aws.client("ec2")).live
        guardrails.uninstall()
        return facts

    return look


def test_by_address(site, seen):
    """Without settings, the clusters with an Elastic IP on a machine are live, and the evidence names the address."""
    live = seen()
    assert live.clusters == ("blue",)
    assert live.sources[0].evidence.startswith("blue holds Elastic IP")
    assert site.blue.public_ips[0] in live.sources[0].evidence


def test_by_listed_address(site, aws, seen):
    """With a list, only those addresses count."""
    extra = aws.start_cluster("green", 1, addresses=1)
    assert seen().clusters == ("blue", "green")
    assert seen(eip_addresses=list(site.blue.public_ips)).clusters == ("blue",)
    assert seen(eip_addresses=list(extra.public_ips)).clusters == ("green",)


def test_by_tagged_address(site, seen):
    """With a tag, only the addresses that carry it count; the evidence says when there is none."""
    site.ec2.create_tags(Resources=[site.blue.allocation_ids[0]], Tags=[{"Key": "Use", "Value": "front"}])
    assert seen(eip_tag={"key": "Use", "value": "front"}).clusters == ("blue",)
    none = seen(eip_tag={"key": "Use", "value": "back"})
    assert (none.known, none.sources[0].evidence) == (False, "no Elastic IP found")


def test_address_on_an_untagged_machine(aws, seen):
    """An address on a machine without a tag makes that machine live, and alone does not show what else is."""
    (address,) = aws.start_cluster("stray", 1, addresses=1, cluster_tag="Owner").public_ips
    facts = seen(sources=["eip"])
    assert (facts.known, facts.clusters) == (False, (f"ip/{address}",))
    assert facts.sources[0].evidence.endswith("that does not show whether others are live, too")
    assert not seen().known
    # There is no load balancer of any kind, and nothing is tagged.
    assert seen(sources=["eip", "target-group", "elb"]).known


def test_a_bastion_is_no_dispute(aws, site, seen, monkeypatch):
    """The address of a machine that belongs to no cluster makes it live, and contradicts no other source."""
    (address,) = aws.start_cluster("stray", 1, addresses=1, cluster_tag="Owner").public_ips
    monkeypatch.setenv("LIVE", "blue")
    facts = seen(sources=["eip", "env"], env="LIVE")
    assert (facts.known, facts.disputed, facts.clusters) == (True, False, ("blue", f"ip/{address}"))
    monkeypatch.setenv("LIVE", "green")
    assert seen(sources=["eip", "env"], env="LIVE").disputed


def test_by_tag(aws, seen):
    """Machines with the live tag make their cluster live."""
    aws.start_cluster("blue", 1, tags={"Stage": "live"})
    aws.start_cluster("green", 1, tags={"Stage": "next"})
    live = seen(sources=["tag"], tag={"key": "Stage", "value": "live"})
    assert (live.clusters, live.sources[0].evidence) == (("blue",), "1 machine is tagged Stage=live")


def test_by_parameter(site, aws, seen):
    """The Parameter Store value names the live cluster."""
    aws.client("ssm").put_parameter(Name="/live", Value="green", Type="String")
    facts = seen(sources=["ssm", "eip"], ssm_parameter="/live")
    assert (facts.clusters, facts.disputed) == (("blue", "green"), True)


def test_by_file(site, seen, tmp_path):
    """A file names the live cluster; one that cannot be read is a source that names nothing."""
    file = tmp_path / "live.txt"
    file.write_text("green\n")
    assert seen(sources=["file"], file=str(file)).clusters == ("green",)
    file.write_text("purple")
    assert seen(sources=["file"], file=str(file)).sources[0].evidence.endswith("names purple; purple has no machines")
    file.write_bytes(b"\xff\xfe")
    assert seen(sources=["file"], file=str(file)).sources[0].evidence.endswith("is not text in UTF-8")
    file.unlink()
    facts = seen(sources=["file"], file=str(file))
    assert facts.known is False
    assert facts.sources[0].evidence.endswith("live.txt does not exist")


def test_a_file_of_windows(site, seen, tmp_path):
    """The mark that editors on Windows put at the start of a file is no part of a cluster's name."""
    file = tmp_path / "live.txt"
    file.write_bytes(b"\xef\xbb\xbfgreen\r\nblue\r\n")
    assert seen(sources=["file"], file=str(file)).clusters == ("blue", "green")


def test_a_pipe_is_no_file(site, seen, tmp_path):
    """A pipe that no one writes holds no decision up: the source names nothing, and says why."""
    pipe = tmp_path / "live.txt"
    os.mkfifo(pipe)
    facts = seen(sources=["file"], file=str(pipe))
    assert facts.known is False
    assert facts.sources[0].evidence.endswith("live.txt cannot be read (it is a pipe and not a file)")


def test_by_environment(site, seen, monkeypatch):
    """An environment variable names the live cluster."""
    monkeypatch.setenv("LIVE", "green")
    assert seen(sources=["env"], env="LIVE").clusters == ("green",)
    monkeypatch.delenv("LIVE")
    assert seen(sources=["env"], env="LIVE").known is False


def test_a_silent_source_disputes(site, seen):
    """A source that names nothing disagrees with one that names something; what is named stays protected."""
    facts = seen(sources=["eip", "env"], env="NOT_SET")
    assert (facts.known, facts.disputed, facts.clusters) == (True, True, ("blue",))


def test_terminated_machines_make_nothing_live(aws, seen):
    """A cluster of which only terminated machines are left is not live by tag."""
    gone = aws.start_cluster("blue", 1, tags={"Live": "true"})
    aws.client("ec2").terminate_instances(InstanceIds=list(gone.instance_ids))
    assert seen(sources=["tag"]).known is False

"""Look-ups that fail or say less than the truth: nothing on the live cluster is sent, and what is ungoverned is."""

from __future__ import annotations

import pytest
from botocore.config import Config

from guardrails.testing import SimulatedAWS
from tests.faults import answers, matrix, table
from tests.faults.proxy import LOOKUP, Proxy


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Every outcome of the table, counted at a server."""
    with SimulatedAWS() as aws:
        return matrix.cells(aws, tmp_path_factory.mktemp("faults"))


def words(cells, titles):
    """What became of these calls, by fault and call."""
    return {(fault, title): {each.word for each in row[title]} for fault, row in cells.items() for title in titles}


def test_nothing_on_the_live_cluster_is_sent(cells):
    """Whatever becomes of the look-ups, no call on the live cluster arrives at the server."""
    live = words(cells, [column.title for column in matrix.LIVE])
    assert [cell for cell, outcomes in live.items() if not outcomes <= {matrix.DENIED, matrix.UNAVAILABLE}] == []


def test_what_is_ungoverned_is_always_sent(cells):
    """No failing look-up stops a call that the guard has nothing to do with."""
    assert set(map(frozenset, words(cells, [matrix.UNGOVERNED.title]).values())) == {frozenset([matrix.SENT])}


def test_the_staging_side_passes_with_complete_answers(cells):
    """The same termination of the other side's machine arrives, whatever the wall clock says."""
    staging = {fault for (fault, _), each in words(cells, [matrix.STAGING.title]).items() if each == {matrix.SENT}}
    assert staging == {"complete", "clock an hour back", "clock an hour ahead", "clock stands still"}


def test_the_page_has_this_table(cells):
    """The limits page shows these outcomes."""
    assert table.PART.text.strip() == table.table(cells).strip(), "run python -m tests.faults.table"


@pytest.mark.parametrize("fault", [answers.empty, answers.first_page, answers.without(["i-"])])
def test_faults_change_lists(fault, aws):
    """A fault of a list takes something out of what a look-up is answered with, in XML and in JSON."""
    aws.start_cluster("blue", 3)
    aws.start_cluster("green", 3)
    for service, method, member in (
        ("ec2", "describe_instances", "Reservations"),
        ("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList"),
    ):
        with Proxy(aws.endpoint_url) as proxy:
            ours = Config(user_agent_extra=LOOKUP)
            client = aws.session().client(service, endpoint_url=proxy.endpoint, config=ours)
            before = getattr(client, method)()[member]
            proxy.answer = answers.document(fault)
            assert len(getattr(client, method)()[member]) < len(before)

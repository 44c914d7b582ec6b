"""The source `beanstalk`: live is the environment that has the name which users come to.

The descriptions of environments are canned: the simulated AWS gives them no names.
"""

from __future__ import annotations

import pytest

import guardrails
from guardrails.config.load import load
from tests.support.sources import assert_denied_without, assert_protects, seen_by

ENVIRONMENT = """<member><ApplicationName>shop</ApplicationName><EnvironmentName>{name}</EnvironmentName>
<CNAME>{cname}.eu-west-1.elasticbeanstalk.com</CNAME><Status>{status}</Status></member>"""
ENVIRONMENTS = """<DescribeEnvironmentsResponse xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/">
<DescribeEnvironmentsResult><Environments>{members}</Environments></DescribeEnvironmentsResult>
</DescribeEnvironmentsResponse>"""


@pytest.fixture
def shop(aws):
    """An environment for each side; environments(blue, green) cans their states, blue has the name."""
    sides = [aws.start_cluster(name, 1) for name in ("blue", "green")]
    for side in sides:
        tag = {"Key": "elasticbeanstalk:environment-name", "Value": f"shop-{side.name}"}
        aws.client("ec2").create_tags(Resources=list(side.instance_ids), Tags=[tag])

    def environments(**states):
        members = [
            ENVIRONMENT.format(name=f"shop-{name}", cname="shop" if name == "blue" else "shop-idle", status=status)
            for name, status in states.items()
        ]
        aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members="".join(members)))

    environments(blue="Ready", green="Ready")
    return aws, *sides, environments


def test_the_name_decides(shop, install):
    """The environment with the name is live and stays; the other one may go."""
    aws, blue, green, _ = shop
    cname = "shop.eu-west-1.elasticbeanstalk.com"
    for name in (cname, "shop"):
        live, report = seen_by("beanstalk", aws, install, cnames=[name])
        assert (live.clusters, live.known, live.disputed) == (("blue",), True, False)
        assert report.evidence == f"blue is behind {name}, environment shop-blue (Ready)"
    assert_protects("beanstalk", aws, install, blue, green, cnames=[cname])


def test_a_swap(shop, install):
    """While both are being updated, their names may be swapped, so both are live; an update of one alone is none."""
    aws, *_, environments = shop
    for states, expected in (
        ({"blue": "Updating", "green": "Updating"}, ("blue", "green")),
        ({"blue": "Updating", "green": "Ready"}, ("blue",)),
        ({"blue": "Ready", "green": "Updating"}, ("blue",)),
    ):
        environments(**states)
        assert seen_by("beanstalk", aws, install, cnames=["shop"])[0].clusters == expected


def test_what_is_not_there(shop, site, install):
    """A name that no environment has leaves unknown what is live, whatever other sources say."""
    aws, *_ = shop
    for names, problem in ((["shop", "api"], "no environment has the CNAME api"), (["shop-idle"], "no machine of")):
        aws.client("ec2").delete_tags(
            Resources=list(aws.machines("green")), Tags=[{"Key": "elasticbeanstalk:environment-name"}]
        )
        live, report = seen_by("beanstalk", aws, install, cnames=names)
        assert not live.known
        assert problem in report.evidence
    permission = "elasticbeanstalk:DescribeEnvironments"
    assert_denied_without(permission, "beanstalk", aws, install, site.green, cnames=["shop"])
    with pytest.raises(guardrails.ConfigError, match=r"needs `live\.cnames`"):
        load({"live": {"sources": ["eip", "beanstalk"]}})

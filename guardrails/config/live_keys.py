"""The configuration keys of the table ``[live]``: where to look for the live cluster."""

from __future__ import annotations

from guardrails.config import kinds
from guardrails.config.key import Key

ROWS = (
    Key("live.sources", kinds.SOURCE_NAMES, '["eip", "tag"]',
        "Which sources tell which cluster is live. Every cluster that any of them names is protected."),
    Key("live.eip_addresses", kinds.ADDRESSES, '["203.0.113.7"]',
        "Source `eip`: count only these Elastic IPs.",
        "every Elastic IP on a machine"),
    Key("live.eip_tag", kinds.TAG, '{ key = "Role", value = "frontend" }',
        "Source `eip`: count only Elastic IPs with this tag."),
    Key("live.listeners", kinds.LISTENERS, '["arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/web/50dc/f2f7"]',
        "Sources `target-group` and `asg`: count only these listeners. `target-group` asks AWS for little beside them.",
        "those on ports 80 and 443, or all of a balancer without such, from the internet"),
    Key("live.balancers", kinds.STRINGS, '["web-prod"]',
        "Sources `elb` and `asg`: count only these classic load balancers, by name.",
        "those from the internet; internal ones where none of those leads to a cluster"),
    Key("live.records", kinds.STRINGS, '["www.example.com"]',
        "Source `dns`: the DNS names that users come to, each with a record in a hosted zone of the account."),
    Key("live.cnames", kinds.STRINGS, '["shop-prod.eu-west-1.elasticbeanstalk.com"]',
        "Source `beanstalk`: the names of environments that users come to, whole or their first part."),
    Key("live.without_machines", kinds.STRINGS, '["prod"]',
        "Clusters that run without machines of EC2 (Lambda, Fargate, databases): live where a source names them."),
    Key("live.regions", kinds.STRINGS, '["eu-west-1"]',
        "The regions that `tag`, `ssm`, `file`, `env` and `command` speak of. Elsewhere, what they name counts only "
        "where it has machines.",
        "all regions"),
    Key("live.traffic_max_age_s", kinds.NUMBER, "900",
        "Source `traffic`: for how long requests count, in seconds. The numbers are a minute or two late."),
    Key("live.command", kinds.STRINGS, '["which-live", "--plain"]',
        "Source `command`: a program that prints the names of the live clusters. It is started without a shell."),
    Key("live.tag", kinds.TAG, '{ key = "Live", value = "true" }',
        "Source `tag`: the tag of the live cluster's machines.",
        "`Live` = `true`, where `live.sources` has `tag`"),
    Key("live.ssm_parameter", kinds.STRING, '"/live/cluster"',
        "Source `ssm`: the parameter in Parameter Store that holds the live cluster's name."),
    Key("live.file", kinds.FILE, '"live.txt"',
        "Source `file`: the file that holds the live cluster's name."),
    Key("live.env", kinds.STRING, '"LIVE_CLUSTER"',
        "Source `env`: the environment variable that holds the live cluster's name."),
)  # fmt: skip

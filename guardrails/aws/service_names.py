"""The catalogue's key of a service, from the name that AWS's SDKs have for it: ``deleteStateMachine`` is of ``sfn``.

Schedules name services so, in lower case and without hyphens, and types of CloudFormation mostly do. The name is what
botocore's models have as ``serviceId``, with or without "service" at its end.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# The names that are not the key without its hyphens. DocumentDB and Neptune are served by RDS.
_KEYS = {
    "amp": "aps",
    "applicationdiscovery": "discovery",
    "cloudcontrol": "cloudcontrolapi",
    "cloudwatch": "monitoring",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "computeoptimizerautomation": "aco-automation",
    "configservice": "config",
    "connectcases": "cases",
    "connecthealth": "health-agent",
    "costexplorer": "ce",
    "customerprofiles": "profile",
    "databasemigration": "dms",
    "devopsagent": "aidevops",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "docdb": "rds",
    "efs": "elasticfilesystem",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "emr": "elasticmapreduce",
    "eventbridge": "events",
    "keyspaces": "cassandra",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "location": "geo",
    "migrationhub": "mgh",
    "migrationhubrefactorspaces": "refactor-spaces",
    "mturk": "mturk-requester",
    "mwaa": "airflow",
    "mwaaserverless": "airflow-serverless",
    "neptune": "rds",
    "neptunedata": "neptune-db",
    "opensearchserverless": "aoss",
    "pinpoint": "mobiletargeting",
    "pinpointsmsvoice": "sms-voice",
    "resourcegroupstaggingapi": "tagging",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "states",
    "simpledb": "sdb",
    "ssoadmin": "sso",
    "supplychain": "scn",
    "timestreamwrite": "timestream",
    "workspacesthinclient": "thinclient",
}


def key_of(name: str, keys: Iterable[str]) -> str:
    """The one of the keys that a name of the SDKs means; the name in lower case where there is none."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for spelling in (plain, plain.removesuffix("service")):
        if spelling in _KEYS:
            return _KEYS[spelling]
        found = next((key for key in keys if key.replace("-", "") == spelling), None)
        if found is not None:
            return found
    return plain

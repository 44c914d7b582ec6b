"""Secrets and payloads: masked in every member of every operation, and still read by the guard."""

from __future__ import annotations

import json
import pickle
import re

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import Expression
from guardrails.intercept.redact import redact

CANARY = "hunter2"
# Written down without looking at what is masked: names that people know to hold secrets or whole commands.
SECRET = re.compile(
    r"^(.*password|.*passwords|.*passphrase|clientsecret|secretaccesskey|secretstring|.*privatekey|preshared_?key|.*authtoken"
    r"|userdata|accesstoken|refreshtoken|sessiontoken|templatebody|templateurl|parametervalue|command|commands|script"
    r"|entrypoint|payload|messagebody|sqlquery|sql|inputtemplate)$",
    re.IGNORECASE,
)


def leaves(shape, seen=frozenset(), name=""):
    """A value for a shape: the canary in every leaf that must be masked, and nothing secret elsewhere."""
    if shape.name in seen:
        return None
    seen = seen | {shape.name}
    if isinstance(shape, StructureShape):
        return {key: leaves(member, seen, key) for key, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [leaves(shape.member, seen, name)]
    if isinstance(shape, MapShape):
        return {"Name": leaves(shape.value, seen, name)}
    if shape.type_name == "blob":
        return CANARY.encode()
    if shape.type_name != "string" or getattr(shape, "enum", None):
        return None
    return CANARY if shape.metadata.get("sensitive") or SECRET.match(name) else "clear"


def check_every_member(services):
    models = botocore.session.get_session()
    for service in services:
        model = models.get_service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            if shape is None:
                continue
            left = json.dumps(redact(leaves(shape), shape).params, default=repr)
            assert CANARY not in left, f"{service}.{name}: {left[max(0, left.find(CANARY) - 120) :][:200]}"


def governed():
    catalogue = Catalogue()
    return sorted({catalogue.botocore_service(name) for name in catalogue.services})


def test_every_member_of_every_governed_service():
    """Nothing sensitive by the model, no blob and no member with a well-known name stays in clear."""
    check_every_member(governed())


@pytest.mark.tools
def test_every_member_of_every_other_service():
    """The same for the services that the guard does not know."""
    check_every_member(sorted({*botocore.session.get_session().get_available_services()} - {*governed()}))


URL = "https://bucket.s3.amazonaws.com/t.yml?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2&versionId=1"


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("ssm", "send_command", {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["x -p hunter2"]}}),
        ("ssm", "start_session", {"Target": "BLUE", "Parameters": {"command": ["x -p hunter2"]}}),
        ("ssm", "start_automation_execution", {"DocumentName": "d", "Parameters": {"Script": ["x -p hunter2"]}}),
        ("ecs", "execute_command", {"command": "x hunter2", "interactive": True, "task": "t"}),
        (
            "scheduler",
            "create_schedule",
            {
                "Name": "s",
                "ScheduleExpression": "rate(1 hour)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
                    "RoleArn": "arn:aws:iam::1:role/r",
                    "Input": '{"InstanceIds": ["BLUE"], "ClientToken": "hunter2"}',
                },
            },
        ),
        (
            "events",
            "put_targets",
            {
                "Rule": "r",
                "Targets": [
                    {
                        "Id": "1",
                        "Arn": "arn:aws:ssm:eu-west-1::automation-definition/x",
                        "Input": '{"i": ["BLUE"], "p": "hunter2"}',
                    }
                ],
            },
        ),
        ("elasticache", "modify_user", {"UserId": "u", "Passwords": ["hunter2hunter2hunter2"]}),
        (
            "rds",
            "modify_db_instance",
            {"DBInstanceIdentifier": "d", "MasterUserPassword": "hunter2", "ApplyImmediately": True},
        ),
        ("cloudformation", "update_stack", {"StackName": "s", "TemplateURL": URL}),
        (
            "cloudformation",
            "update_stack",
            {
                "StackName": "s",
                "TemplateBody": "hunter2",
                "Parameters": [{"ParameterKey": "k", "ParameterValue": "hunter2"}],
            },
        ),
        (
            "elasticbeanstalk",
            "update_environment",
            {
                "EnvironmentName": "env-1",
                "OptionSettings": [
                    {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "A", "Value": "hunter2"}
                ],
            },
        ),
    ],
)
def test_neither_log_nor_denial_holds_it(service, method, params, site, aws, install, log):
    """A call with a secret is decided on; the log, the exception, its repr and its pickle do not hold the secret."""
    params = json.loads(json.dumps(params).replace("BLUE", site.blue.instance_ids[0]))
    if method == "send_command":
        params["InstanceIds"] = [site.blue.instance_ids[0]]
    # Whatever is governed is denied.
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    install()
    with pytest.raises(guardrails.CallDenied) as raised:
        getattr(aws.client(service), method)(**params)
    error = raised.value
    shown = [str(error), repr(error), repr(error.decision), repr(vars(error)), error.decision._repr_html_()]
    assert CANARY not in "".join(shown)
    assert CANARY.encode() not in pickle.dumps(error)
    assert json.loads(log.read_text())["masked"]
    assert CANARY not in log.read_text()


def test_what_a_schedule_would_terminate_is_read(site, aws, install):
    """The input of a schedule is masked, and the machines that it names are known."""
    install()
    arn = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
    target = {"Arn": arn, "RoleArn": "arn:aws:iam::1:role/r"}
    common = {"Name": "s", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    blue = {**target, "Input": json.dumps({"InstanceIds": site.blue.instance_ids[:1]})}
    with pytest.raises(guardrails.CallDenied) as raised:
        aws.client("scheduler").create_schedule(**common, Target=blue)
    assert site.blue.instance_ids[0] in str(raised.value)
    green = {**target, "Input": json.dumps({"InstanceIds": site.green.instance_ids[:1]})}
    aws.client("scheduler").create_schedule(**common, Target=green)
    assert aws.count("POST /schedules/s") == 1


def test_an_expression_that_fails_does_not_quote_the_value():
    """jmespath's own message would hold the value."""
    with pytest.raises(ValueError, match="does not fit") as raised:
        Expression("contains(A, 'x')").search({"A": {"hunter2": 1}})
    assert CANARY not in str(raised.value)


@given(st.text(alphabet="?&=:/@.%x", max_size=300))
def test_addresses_keep_their_readable_part(text):
    """Only the signature or password of an address goes; whatever surrounds it is kept."""
    secret = f"postgres://admin:{CANARY}@db.internal/x"
    clean = redact({"A": f"{text} {secret}"}, None).params["A"]
    assert CANARY not in clean
    assert clean.endswith("@db.internal/x")

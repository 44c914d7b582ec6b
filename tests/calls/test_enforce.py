"""What a decision means in each mode, what people read about it, and what is never shown."""

from __future__ import annotations

import json

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from guardrails.enforce.enforce import enforce
from guardrails.intercept.redact import redact
from guardrails.show.sentences import age, counted, listed, log_line, paragraph
from guardrails.values import MASK, Call, Decision, Facts, Live, SourceReport, TargetRef, Violation

CALL = Call("ec2", "StopInstances", {}, "eu-west-1", "", targets=(TargetRef("i-1", "instance"),))


@pytest.mark.parametrize(
    ("action", "mode", "send", "word", "warned"),
    [
        ("allow", "enforce", True, "allow", False),
        ("allow", "warn", True, "allow", False),
        ("allow", "dryrun", True, "allow", False),
        ("warn", "enforce", True, "warn", True),
        ("warn", "warn", True, "warn", True),
        ("warn", "dryrun", True, "dryrun", False),
        ("confirm", "enforce", False, "deny", False),
        ("confirm", "warn", True, "warn", True),
        ("confirm", "dryrun", True, "dryrun", False),
        ("deny", "enforce", False, "deny", False),
        ("deny", "warn", True, "warn", True),
        ("deny", "dryrun", True, "dryrun", False),
    ],
)
def test_every_action_in_every_mode(action, mode, send, word, warned):
    """Only mode enforce blocks, and it blocks everything but allow and warn."""
    outcome = enforce(Decision("d", action, CALL), mode, 1.0)
    assert (outcome.send, outcome.enforcement, outcome.warning is not None) == (send, word, warned)


LIVE = Live(known=True, disputed=False, clusters=("blue",), sources=(SourceReport("eip", ("blue",), 0.8, "holds x"),))


def test_paragraph_tells_all_rules():
    """The message lists each violated rule once with its remediation, then what is live; not those in dryrun."""
    violations = [
        Violation("a/b", "i-1", "i-1 is live.", "Do not.", "deny"),
        Violation("a/b", "i-2", "i-2 is live.", "Do not.", "deny"),
        Violation("c/d", "i-1", "Wrong day", "Wait", "warn"),
        Violation("e/f", "i-1", "Shadow.", "None.", "dryrun"),
    ]
    decision = Decision("d-1", "deny", CALL, tuple(violations), Facts((), (), LIVE, 1.0))
    assert paragraph(decision, 1.0) == (
        "Blocked before it reached AWS: StopInstances on i-1 in eu-west-1. "
        "Rule a/b: i-1 is live (the same for i-2). Instead: Do not. "
        "Rule c/d: Wrong day. Instead: Wait. blue is live (eip: holds x, seen 0.2 s ago). [decision d-1]"
    )
    assert log_line(decision) == (
        "Blocked before it reached AWS: StopInstances on i-1 in eu-west-1. Rules a/b, c/d. [decision d-1]"
    )


def test_the_log_line_of_a_call_that_could_not_be_decided():
    """Where no rule was asked, the line for the program's log has the reason."""
    assert log_line(Decision("d-1", "deny", CALL, unavailable="no answer")) == (
        "Blocked before it reached AWS, because the guard could not decide: StopInstances on i-1 in eu-west-1. "
        "No answer. [decision d-1]"
    )


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "machine", "1 machine"),
        (0, "machine", "0 machines"),
        (1, "address", "1 address"),
        (2000, "address", "2,000 addresses"),
    ],
)
def test_plurals(number, noun, text):
    """A number agrees with its noun."""
    assert counted(number, noun) == text


@pytest.mark.parametrize(
    ("action", "options", "sent", "begin"),
    [
        ("deny", {}, False, "Blocked before it reached AWS: "),
        ("deny", {"unavailable": "x"}, False, "Blocked before it reached AWS, because the guard could not decide: "),
        ("confirm", {}, False, "Blocked before it reached AWS, because it needs confirmation: "),
        ("warn", {}, True, "Sent with a warning: "),
        ("deny", {}, True, "Sent anyway, because mode is 'warn': "),
        ("confirm", {}, True, "Sent anyway, because mode is 'warn': "),
        ("deny", {"unavailable": "x"}, True, "Sent anyway, because mode is 'warn', although the guard could not "),
        ("deny", {"what_if": "enforce"}, False, "Would be blocked: "),
        ("deny", {"what_if": "enforce", "unavailable": "x"}, False, "Would be blocked, because the guard could not "),
        ("confirm", {"what_if": "enforce"}, False, "Would need your confirmation: "),
        ("warn", {"what_if": "enforce"}, False, "Would be sent with a warning: "),
        ("deny", {"what_if": "dryrun"}, False, "Would still be sent, because mode is 'dryrun': "),
    ],
)
def test_the_paragraph_says_what_was_done(action, options, sent, begin):
    """A blocked call is called blocked; mode "warn" says sent, and `check` says neither."""
    assert paragraph(Decision("d-1", action, CALL, **options), 1.0, sent=sent).startswith(begin)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0.0 s"), (0.24, "0.2 s"), (59, "59.0 s"), (61, "1 min"), (7200, "2.0 h")]
)
def test_ages(seconds, text):
    """Ages are shown in the unit a person would use."""
    assert age(seconds) == text


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters=", "), min_size=1)))
def test_listed_counts_what_it_leaves_out(ids):
    """The ids shown and the number left out add up to all distinct ids."""
    text = listed(ids)
    shown, _, more = text.partition(" and ")
    left = int(more.split()[0]) if more.endswith("more") and more.split()[0].isdigit() else 0
    assert len([id_ for id_ in shown.split(", ") if id_]) + left == len(set(ids))


def _secrets(shape, name, seen=frozenset()):
    """Parameters of a shape with a secret in every string and blob, and how many of them must not be shown."""
    kind = shape.type_name
    hidden = bool(shape.metadata.get("sensitive")) or kind == "blob"
    hidden |= kind in ("string", "list") and name.lower().rstrip("s").endswith(("password", "secret", "authtoken"))
    if shape.name in seen or kind not in ("structure", "list", "map", "string", "blob"):
        return None, 0
    seen |= {shape.name}
    if kind == "structure":
        members = {key: _secrets(member, key, seen) for key, member in shape.members.items()}
        return {key: value for key, (value, _) in members.items()}, sum(count for _, count in members.values())
    if kind in ("list", "map"):
        value, count = _secrets(shape.member if kind == "list" else shape.value, "", seen)
        return ([value] if kind == "list" else {"key": value}), (1 if hidden else count)
    return "s3cr3t" if hidden else "shown", int(hidden)


SESSION = get_session()


MARKED = ("ec2", "rds", "elasticache", "elbv2", "ecs", "ssm", "iam", "s3", "docdb", "redshift", "cognito-idp", "dms")


@pytest.mark.parametrize("service", MARKED)
def test_no_secret_of_any_operation_is_kept(service):
    """Whatever the model marks, blobs, and members with a secret's name are masked, in lists, maps and structures."""
    model, hidden = SESSION.get_service_model(service), 0
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        params, count = _secrets(shape, "") if shape is not None else ({}, 0)
        hidden += count
        redacted = redact(params, shape)
        assert "s3cr3t" not in json.dumps(redacted.params), operation
        assert bool(redacted.masked) >= bool(count), operation
    assert hidden


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("elasticache", "CreateUser", {"UserId": "u", "Passwords": ["s3cr3t"]}),
        ("elbv2", "CreateRule", {"Actions": [{"AuthenticateOidcConfig": {"ClientSecret": "s3cr3t"}}]}),
        ("cloudformation", "CreateStack", {"Parameters": [{"ParameterKey": "Db", "ParameterValue": "s3cr3t"}]}),
        ("cloudformation", "UpdateStack", {"TemplateBody": "password: s3cr3t"}),
        ("cloudformation", "UpdateStack", {"TemplateURL": "https://x.s3.amazonaws.com/t?X-Amz-Signature=s3cr3t"}),
    ],
)
def test_secrets_that_models_do_not_mark(service, operation, params):
    """Secrets in members that AWS's models do not mark are masked; what the call acts on is not."""
    shape = SESSION.get_service_model(service).operation_model(operation).input_shape
    redacted = redact({**params, "StackName": "blue", "UserId": "u"}, shape)
    assert "s3cr3t" not in json.dumps(redacted.params)
    assert len(redacted.masked) == 1
    assert (redacted.params["StackName"], redacted.params["UserId"]) == ("blue", "u")


SHAPE = SESSION.get_service_model("ec2").operation_model("ModifyInstanceAttribute").input_shape


@given(st.text(min_size=12, alphabet="0123456789"))
def test_user_data_is_masked_wherever_it_stands(secret):
    """User data is masked in both syntaxes, and a pointer says where it was."""
    for params in ({"UserData": {"Value": secret}}, {"Attribute": "userData", "Value": secret}):
        redacted = redact({"InstanceId": "i-1", **params}, SHAPE)
        assert secret not in json.dumps(redacted.params)
        assert MASK in json.dumps(redacted.params)
        assert redacted.masked

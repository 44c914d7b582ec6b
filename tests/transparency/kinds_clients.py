"""What scripts do to clients: handlers, configurations, stubs, copies, threads."""

from __future__ import annotations

import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor

from tests.transparency.registry import case


def _ending(run):
    try:
        return run()
    except Exception as error:
        return [type(error).__name__, str(error)]


def _kind(run):
    try:
        return type(run()).__name__
    except Exception as error:
        return type(error).__name__


@case("the Stubber", protocol="clients")
def stubber(t):
    from botocore.stub import Stubber

    ec2 = t.client("ec2")
    with Stubber(ec2) as stub:
        stub.add_response("describe_instances", {"Reservations": []}, {"InstanceIds": ["i-1"]})
        stub.add_client_error("describe_vpcs", "Broken", "so it is", 500)
        found = [ec2.describe_instances(InstanceIds=["i-1"]), _ending(ec2.describe_vpcs), _ending(ec2.describe_subnets)]
        stub.assert_no_pending_responses()
    return found


@case("handlers of the script's own at every event", protocol="clients")
def handlers(t):
    seen = []
    ec2 = t.client("ec2")
    events = ec2.meta.events

    def change(params, **_):
        seen.append("provide-client-params")
        return {**params, "Filters": [{"Name": "owner-id", "Values": ["123456789012"]}]}

    def build(params, **_):
        seen.append("before-parameter-build")
        params["MaxResults"] = 5

    def call(params, model, **_):
        seen.append(f"before-call {model.name} {sorted(params['context'])[:1] and 'context'}")
        params["headers"]["X-Own"] = "1"

    def create(request, **_):
        seen.append("request-created")
        request.headers["X-Created"] = "2"

    def sign(request, **_):
        seen.append("before-sign")
        request.headers.add_header("X-Signed", "3")

    def send(request, **_):
        seen.append(f"before-send {request.method}")
        request.headers["X-Sent"] = "4"

    def after(http_response, parsed, **_):
        seen.append(f"after-call {http_response.status_code}")
        parsed["Added"] = True

    events.register("provide-client-params.ec2.DescribeInstances", change)
    events.register("before-parameter-build.ec2.DescribeInstances", build)
    events.register("before-call.ec2", call)
    events.register("request-created.ec2", create)
    events.register("before-sign.ec2", sign)
    events.register_first("before-send.ec2", send)
    events.register("after-call.ec2", after)
    events.register("needs-retry.ec2", lambda attempts, **_: seen.append(f"needs-retry {attempts}"))
    return [ec2.describe_instances()["Added"], ec2.describe_vpcs()["Added"], seen]


@case("a handler that answers instead of AWS, or raises", protocol="clients")
def answering_handlers(t):
    from botocore.awsrequest import AWSResponse

    ec2 = t.client("ec2")
    events = ec2.meta.events
    parsed = {"Vpcs": [], "ResponseMetadata": {"HTTPStatusCode": 299}}
    events.register("before-call.ec2.DescribeVpcs", lambda **_: (AWSResponse("", 299, {}, None), parsed))
    found = [ec2.describe_vpcs()]

    def fail(**_):
        raise KeyError("mine")

    events.register("before-sign.ec2.DescribeSubnets", fail)
    events.register("before-send.ec2.DescribeRegions", fail)
    return [*found, _ending(ec2.describe_subnets), _ending(ec2.describe_regions)]


@case("handlers on the session, and its default client configuration", protocol="clients")
def session_handlers(t):
    from botocore.config import Config

    seen = []
    session = t.make_session("testing", "testing")
    session.events.register("before-call", lambda model, **_: seen.append(model.name))
    session.events.register("creating-client-class.s3", lambda class_attributes, **_: class_attributes.update(own=1))
    session._session.set_default_client_config(Config(user_agent_extra="ours/1"))
    s3 = t.client("s3", session=session)
    return [s3.own, s3.list_buckets()["Buckets"], t.client("sqs", session=session).list_queues(), seen]


@case("user agents of the script's own", protocol="clients")
def user_agents(t):
    return [
        t.client("ec2", user_agent="mine/1").describe_vpcs(),
        t.client("sts", user_agent_extra="more/2", user_agent_appid="app").get_caller_identity(),
    ]


@case("configurations: dual stack, FIPS, TCP, no validation", protocol="clients", inside=False)
def configurations(t):
    return [
        t.real("ec2", use_dualstack_endpoint=True).describe_vpcs(),
        t.real("sts", use_fips_endpoint=True, region_name="us-east-1").get_caller_identity()["Account"],
        t.client("ec2", tcp_keepalive=True, max_pool_connections=1, parameter_validation=False).describe_vpcs(),
        t.real("ec2").describe_vpcs(),
    ]


@case("clients, configurations, responses and errors copied and pickled", protocol="clients")
def copies(t):
    ec2 = t.client("ec2")
    ec2.describe_vpcs()
    response = ec2.describe_regions(RegionNames=["eu-west-1"])
    try:
        ec2.describe_instances(InstanceIds=["i-0123456789abcdef0"])
    except ec2.exceptions.ClientError as error:
        again = pickle.loads(pickle.dumps(error))
        failed = [str(again), again.response, str(copy.copy(error))]
    return [
        _kind(lambda: copy.copy(ec2)),
        _kind(lambda: copy.deepcopy(ec2)),
        _kind(lambda: pickle.dumps(ec2)),
        copy.deepcopy(ec2.meta.config).region_name,
        pickle.loads(pickle.dumps(response)) == response,
        copy.deepcopy(response) == response,
        failed,
    ]


@case("looking at clients: signatures, names, documentation", protocol="clients")
def introspection(t):
    from botocore.auth import SigV4Auth
    from botocore.client import BaseClient
    from botocore.endpoint import Endpoint
    from botocore.httpsession import URLLib3Session
    from botocore.signers import RequestSigner

    ec2 = t.client("ec2")
    functions = (BaseClient._make_api_call, Endpoint.make_request, RequestSigner.sign, SigV4Auth.add_auth,
                 URLLib3Session.send)  # fmt: skip
    return [
        [[str(inspect.signature(function)), function.__qualname__, function.__doc__] for function in functions],
        len(dir(ec2)), ec2.can_paginate("describe_instances"), ec2.waiter_names[:3], len(ec2.describe_vpcs.__doc__),
        type(ec2).__mro__[1].__name__, ec2.meta.method_to_api_mapping["stop_instances"],
        ec2.exceptions.ClientError.__name__,
    ]  # fmt: skip


@case("threads that share a client", protocol="clients", unordered=True)
def threads(t):
    ec2, s3 = t.client("ec2"), t.client("s3")
    with ThreadPoolExecutor(4) as pool:
        vpcs = list(pool.map(lambda _: ec2.describe_vpcs()["Vpcs"][0]["State"], range(6)))
        buckets = list(pool.map(lambda number: _ending(lambda: s3.head_bucket(Bucket=f"bucket{number}")), range(6)))
    return [vpcs, buckets]


@case("botocore without boto3, closed at the end", protocol="clients")
def plain_botocore(t):
    from tests.transparency.place import core_session

    options = {"endpoint_url": t.control.url} if t.control.url else {}
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = core_session().create_client("sts", region_name="eu-west-1", **keys, **options)
    found = client.get_caller_identity()
    client.close()
    return found


@case("credentials that refresh themselves", protocol="clients")
def refreshing(t):
    import datetime as dt

    from botocore.credentials import RefreshableCredentials

    asked = []

    def refresh():
        asked.append(len(asked))
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5 if len(asked) < 3 else 7200)
        return {"access_key": "testing", "secret_key": "testing", "token": "t", "expiry_time": until.isoformat()}

    session = t.make_session()
    session._session._credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "test")
    ec2 = t.client("ec2", session=session)
    return [ec2.describe_vpcs(), ec2.describe_subnets()["ResponseMetadata"]["HTTPStatusCode"], asked]


@case("requests signed by hand for other services", protocol="clients", inside=False)
def signed_by_hand(t):
    from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    credentials = t.session.get_credentials()
    found = []
    for auth, service, path in ((SigV4Auth, "es", "/_search?q=Action=1"), (S3SigV4Auth, "s3", "/"),
                                (SigV4QueryAuth, "execute-api", "/stage")):  # fmt: skip
        request = AWSRequest("GET", t.control.url + path, headers={"X-Own": "1"})
        auth(credentials, service, "eu-west-1").add_auth(request)
        found.append([URLLib3Session().send(request.prepare()).status_code, request.headers.get("X-Own")])
    return found

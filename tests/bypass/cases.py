"""The ways to send a call, one function each. Run ``cases.py NAME``; GUARDED=1 makes `guard()` install the guard.

BLUE is a machine of the live cluster, GREEN one of the other. A case tries to terminate BLUE. It prints ``denied``
when a rule blocked it, ``unavailable`` when the guard could not decide, ``sent`` when its request came back.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

CASES: dict[str, Callable[[], object]] = {}
TITLES: dict[str, str] = {}
SEEN: dict[str, str] = {}


def case(title: str, *, seen: str = "blocked") -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a way; `seen` is what the guard does about it: blocked, tripwire (reported only) or no."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        CASES[function.__name__] = function
        TITLES[function.__name__] = title
        SEEN[function.__name__] = seen
        return function

    return register


BLUE, GREEN = os.environ.get("BLUE", ""), os.environ.get("GREEN", "")
FORM = {"Action": "TerminateInstances", "Version": "2016-11-15", "InstanceId.1": BLUE}
ENDS = {"CallDenied": "denied", "GuardUnavailable": "unavailable"}
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def guard() -> None:
    if os.environ.get("GUARDED") == "1":
        import guardrails

        guardrails.install({"log": {"path": os.environ["LOG"]}, "tripwire": os.environ.get("TRIPWIRE") == "1"})


def ec2():
    import boto3

    return boto3.client("ec2")


def terminate(client=None) -> None:
    (client or ec2()).terminate_instances(InstanceIds=[BLUE])


def fetch(url: str, headers=None, body: bytes | None = None) -> None:
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    # It arrived, which is what is counted; moto takes a presigned EC2 request for one of S3's.
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request).read()


# -- the ordinary ways ----------------------------------------------------------------------------------------------


@case("client method")
def client_method():
    guard()
    terminate()


@case("resource action")
def resource_action():
    import boto3

    guard()
    boto3.resource("ec2").Instance(BLUE).terminate()


@case("batch action of a collection")
def collection():
    import boto3

    guard()
    boto3.resource("ec2").instances.filter(InstanceIds=[BLUE]).terminate()


@case("`from boto3 import client`, before install")
def imported_name():
    from boto3 import client

    guard()
    terminate(client("ec2"))


@case("client that existed before install")
def old_client():
    client = ec2()
    guard()
    terminate(client)


@case("client that was used before install")
def used_client():
    client = ec2()
    client.describe_instances()
    guard()
    terminate(client)


@case("bound method taken before install")
def bound_method():
    method = ec2().terminate_instances
    guard()
    method(InstanceIds=[BLUE])


@case("resource that existed before install")
def old_resource():
    import boto3

    machine = boto3.resource("ec2").Instance(BLUE)
    guard()
    machine.terminate()


@case("session that existed before install")
def old_session():
    import boto3

    session = boto3.Session()
    guard()
    terminate(session.client("ec2"))


@case("boto3's default session from before install")
def default_session():
    import boto3

    boto3.setup_default_session()
    guard()
    terminate(boto3.client("ec2"))


@case("botocore session without its built-in handlers")
def no_builtin_handlers():
    import botocore.session

    guard()
    session = botocore.session.Session(include_builtin_handlers=False)
    terminate(session.create_client("ec2"))


# -- threads and processes ------------------------------------------------------------------------------------------


@case("thread")
def thread():
    guard()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(terminate).result()


@case("thread with a client from before install")
def thread_old_client():
    client = ec2()
    guard()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(terminate, [client, client]))


def _in_process(method: str) -> None:
    guard()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        pool.submit(terminate).result()


@case("process started by fork")
def fork():
    _in_process("fork")


@case("process started by spawn")
def spawn():
    _in_process("spawn")


@case("process started by a fork server")
def forkserver():
    _in_process("forkserver")


@case("fork while another thread makes a look-up")
def fork_during_lookup():
    # Python never releases the lock of a module that another thread was importing when a process is forked (the
    # guard has no part in it); a first connection imports this one.
    import encodings.idna  # noqa: F401

    guard()
    busy = [threading.Thread(target=_quietly, args=(ec2(),)) for _ in range(4)]
    for worker in busy:
        worker.start()
    child = os.fork()
    if child == 0:
        try:
            terminate()
        except BaseException as error:
            sys.stderr.write(f"in the child: {error!r}\n")
            os._exit(7 if type(error).__name__ == "CallDenied" else 1)
        os._exit(0)
    for worker in busy:
        worker.join()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 7:
        terminate()  # denied here as well, which is what is reported
    elif code:
        raise RuntimeError(f"the child ended with {code}")


def _quietly(client) -> None:
    with contextlib.suppress(Exception):
        client.stop_instances(InstanceIds=[GREEN])


def _grandchild() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(terminate).result()


@case("grandchild: a spawned process spawns another")
def grandchild():
    guard()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(_grandchild).result()


@case("multiprocessing.Pool")
def pool():
    guard()
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        workers.apply(terminate)


# -- handlers and functions taken away --------------------------------------------------------------------------------


@case("all of the client's handlers unregistered")
def unregistered():
    client = ec2()
    guard()
    _quietly(client)
    events = client.meta.events
    for event in ("before-call", "before-sign", "before-send"):
        for handler in list(getattr(events, "_emitter", events)._handlers.prefix_search(event)):
            events.unregister(event, handler)
            for key in ("before-call", "before-sign", "before-send"):
                for identity in list(getattr(events, "_emitter", events)._unique_id_handlers):
                    events.unregister(key, unique_id=identity)
    terminate(client)


@case("the client's emitter replaced by an empty one")
def emitter_replaced():
    from botocore.hooks import HierarchicalEmitter

    client = ec2()
    guard()
    signer = client._request_signer
    client.meta.events = client._endpoint._event_emitter = signer._event_emitter = HierarchicalEmitter()
    client.meta.events.register("request-created", signer.handler)
    terminate(client)


@case("`_make_api_call` saved before install")
def saved_api_call():
    from botocore.client import BaseClient

    saved = BaseClient._make_api_call
    guard()
    saved(ec2(), "TerminateInstances", {"InstanceIds": [BLUE]})


@case("`_make_api_call` patched by a mock that calls the original")
def mocked_api_call():
    from unittest import mock

    from botocore.client import BaseClient

    saved = BaseClient._make_api_call
    guard()
    with mock.patch.object(BaseClient, "_make_api_call", saved):
        terminate()


@case("`Endpoint.make_request` saved before install")
def saved_make_request():
    from botocore.endpoint import Endpoint

    saved = Endpoint.make_request
    guard()
    client = ec2()
    saved(client._endpoint, *_request(client))


@case("`RequestSigner.sign` saved before install")
def saved_sign():
    from botocore.awsrequest import create_request_object
    from botocore.signers import RequestSigner

    saved = RequestSigner.sign
    guard()
    client = ec2()
    model, request = _request(client)
    made = create_request_object(request)
    saved(client._request_signer, model.name, made)
    client._endpoint.http_session.send(made.prepare())


# -- below the client -------------------------------------------------------------------------------------------------


def _request(client):
    from botocore.awsrequest import prepare_request_dict

    model = client.meta.service_model.operation_model("TerminateInstances")
    request = client._serializer.serialize_to_request({"InstanceIds": [BLUE]}, model)
    context = {"client_region": "eu-west-1", "client_config": client.meta.config, "has_streaming_input": False}
    prepare_request_dict(request, endpoint_url=client.meta.endpoint_url, context={**context, "auth_type": None})
    return model, request


@case("`client._endpoint.make_request`")
def endpoint():
    guard()
    client = ec2()
    client._endpoint.make_request(*_request(client))


@case("`client._endpoint.http_session.send`, signed by the client's signer")
def http_session():
    from botocore.awsrequest import create_request_object

    guard()
    client = ec2()
    model, request = _request(client)
    made = create_request_object(request)
    client._request_signer.sign(model.name, made)
    client._endpoint.http_session.send(made.prepare())


@case("`URLLib3Session().send`, not signed at all")
def unsigned():
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    guard()
    URLLib3Session().send(AWSRequest("POST", os.environ["AWS_ENDPOINT_URL"] + "/", HEADERS, data=FORM).prepare())


def _auth(name: str = "SigV4Auth"):
    import botocore.auth
    from botocore.credentials import Credentials

    return getattr(botocore.auth, name)(Credentials("testing", "testing"), "ec2", "eu-west-1")


@case("`SigV4Auth` by hand, sent with urllib")
def sigv4():
    from urllib.parse import urlencode

    from botocore.awsrequest import AWSRequest

    guard()
    body = urlencode(FORM).encode()
    request = AWSRequest("POST", os.environ["AWS_ENDPOINT_URL"] + "/", headers=HEADERS, data=body)
    _auth().add_auth(request)
    fetch(request.url, request.headers, body)


@case("`SigV4Auth` by hand on a GET request")
def sigv4_get():
    from botocore.awsrequest import AWSRequest

    guard()
    request = AWSRequest("GET", os.environ["AWS_ENDPOINT_URL"] + "/", params=FORM)
    _auth().add_auth(request)
    prepared = request.prepare()
    fetch(prepared.url, prepared.headers)


@case("`SigV4QueryAuth` by hand")
def sigv4_query():
    from botocore.awsrequest import AWSRequest

    guard()
    request = AWSRequest("GET", os.environ["AWS_ENDPOINT_URL"] + "/", params=FORM)
    _auth("SigV4QueryAuth").add_auth(request)
    fetch(request.prepare().url)


@case("`RequestSigner` made by hand")
def own_signer():
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.hooks import HierarchicalEmitter
    from botocore.httpsession import URLLib3Session
    from botocore.model import ServiceId
    from botocore.signers import RequestSigner

    guard()
    # The signer only holds it weakly.
    emitter = HierarchicalEmitter()
    signer = RequestSigner(ServiceId("EC2"), "eu-west-1", "ec2", "v4", Credentials("testing", "testing"), emitter)
    request = AWSRequest("POST", os.environ["AWS_ENDPOINT_URL"] + "/", headers=HEADERS, data=FORM)
    signer.sign("DescribeInstances", request)
    URLLib3Session().send(request.prepare())


@case("presigned URL")
def presigned():
    guard()
    fetch(ec2().generate_presigned_url("terminate_instances", Params={"InstanceIds": [BLUE]}))


@case("presigned URL from a client that existed before install")
def presigned_old_client():
    client = ec2()
    guard()
    fetch(client.generate_presigned_url("terminate_instances", Params={"InstanceIds": [BLUE]}))


@case("presigned URL from the client's `_request_signer`")
def presigned_signer():
    guard()
    client = ec2()
    model, request = _request(client)
    fetch(client._request_signer.generate_presigned_url(request, model.name))


# -- changed after it was judged --------------------------------------------------------------------------------------


def _change(event: str, change: Callable[..., object], *, last: bool = True) -> None:
    """Ask for GREEN, which is allowed, and turn it into BLUE in a handler that comes after the decision."""
    client = ec2()
    guard()
    _quietly_read(client)
    register = client.meta.events.register_last if last else client.meta.events.register
    register(event, change)
    client.terminate_instances(InstanceIds=[GREEN])


def _quietly_read(client) -> None:
    # The guard's own handler comes with the first call: what is registered now comes after it.
    client.describe_instances()


@case("request changed in a later `before-call` handler")
def changed_before_call():
    def change(params, **_):
        params["body"]["InstanceId.1"] = BLUE

    _change("before-call", change)


@case("request replaced in a later `before-call` handler")
def replaced_before_call():
    def change(params, **_):
        params["body"] = dict(FORM)

    _change("before-call", change)


@case("request changed in a `request-created` handler")
def changed_request_created():
    def change(request, **_):
        request.data["InstanceId.1"] = BLUE

    _change("request-created", change, last=False)


@case("request changed in a `before-sign` handler")
def changed_before_sign():
    def change(request, **_):
        request.data = dict(FORM)

    _change("before-sign", change)


def into(shape: Callable[[bytes], object]) -> Callable[..., None]:
    """A handler that puts BLUE's form into a request, in this shape."""
    from urllib.parse import urlencode

    def change(request, **_):
        form = urlencode(FORM).encode()
        request.body = shape(form)
        request.headers["Content-Length"] = str(len(form))

    return change


@case("request changed in a `before-send` handler")
def changed_before_send():
    _change("before-send", into(bytes.decode))


@case("request changed into a file in a `before-send` handler")
def changed_into_a_file():
    from io import BytesIO

    _change("before-send", into(BytesIO))


@case("request changed into parts in a `before-send` handler")
def changed_into_parts():
    _change("before-send", into(lambda form: (form[place : place + 7] for place in range(0, len(form), 7))))


@case("the request's body aliased before the decision and changed after it")
def aliased():
    kept = []

    def keep(params, **_):
        kept.append(params["body"])

    def change(request, **_):
        kept[-1]["InstanceId.1"] = BLUE

    client = ec2()
    client.meta.events.register_first("before-call", keep)
    guard()
    client.meta.events.register("before-sign", change)
    client.terminate_instances(InstanceIds=[GREEN])


@case("changed by another thread while it is judged")
def changed_meanwhile():
    client = ec2()

    def change_soon(params, **_):
        threading.Timer(0.05, params["body"].update, [{"InstanceId.1": BLUE}]).start()

    def wait(**_):
        # Without the guard's look-ups there would be no time in which to change anything.
        threading.Event().wait(0.2)

    client.meta.events.register_first("before-call.ec2.TerminateInstances", change_soon)
    client.meta.events.register("request-created.ec2.TerminateInstances", wait)
    guard()
    client.terminate_instances(InstanceIds=[GREEN])


@case("a harmless call turned into a harmful one in `before-send`")
def disguised():
    from urllib.parse import urlencode

    client = ec2()
    guard()

    def change(request, **_):
        request.body = urlencode(FORM)
        request.headers["Content-Length"] = str(len(request.body))

    client.meta.events.register_last("before-send.ec2.DescribeRegions", change)
    client.describe_regions()


@case("parameters changed by the script's own handler")
def changed_params():
    client = ec2()
    client.meta.events.register("provide-client-params", lambda params, **_: {**params, "InstanceIds": [BLUE]})
    guard()
    client.terminate_instances(InstanceIds=[GREEN])


# -- another botocore -------------------------------------------------------------------------------------------------


@case("botocore thrown out of sys.modules and imported again")
def imported_again():
    import boto3  # noqa: F401

    guard()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore", "s3transfer")]:
        del sys.modules[name]
    terminate()


@case("botocore's modules reloaded")
def reloaded():
    import importlib

    import botocore.client
    import botocore.endpoint
    import botocore.httpsession
    import botocore.signers

    guard()
    for module in (botocore.httpsession, botocore.signers, botocore.endpoint, botocore.client):
        importlib.reload(module)
    terminate()


@case("botocore imported only after install")
def imported_later():
    guard()
    terminate()


# -- what only the tripwire sees ------------------------------------------------------------------------------------


def _signed() -> dict[str, str]:
    """The headers of a request that is signed by other code than botocore."""
    import datetime as dt
    import hashlib
    import hmac
    from urllib.parse import urlencode, urlsplit

    now = dt.datetime.now(dt.UTC)
    date, stamp = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    host, place = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc, f"{date}/eu-west-1/ec2/aws4_request"
    body = hashlib.sha256(urlencode(FORM).encode()).hexdigest()
    asked = f"POST\n/\n\nhost:{host}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{body}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{place}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = b"AWS4testing"
    for part in place.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    signed = f"Credential=testing/{place}, SignedHeaders=host;x-amz-date, Signature={signature}"
    return {**HEADERS, "X-Amz-Date": stamp, "Authorization": f"AWS4-HMAC-SHA256 {signed}"}


@case("own signature and request, sent with urllib", seen="tripwire")
def own_signature():
    from urllib.parse import urlencode

    guard()
    fetch(os.environ["AWS_ENDPOINT_URL"] + "/", _signed(), urlencode(FORM).encode())


@case("own signature, sent with requests", seen="tripwire")
def own_signature_requests():
    import requests

    guard()
    requests.post(os.environ["AWS_ENDPOINT_URL"] + "/", data=FORM, headers=_signed(), timeout=30)


@case("own signature, sent with urllib3", seen="tripwire")
def own_signature_urllib3():
    from urllib.parse import urlencode

    import urllib3

    guard()
    urllib3.PoolManager().request("POST", os.environ["AWS_ENDPOINT_URL"] + "/", body=urlencode(FORM), headers=_signed())


# -- what no hook in this process can see -----------------------------------------------------------------------


def _raw(url: str) -> tuple[str, int, bytes]:
    from urllib.parse import urlencode, urlsplit

    body = urlencode(FORM)
    parts = urlsplit(url)
    head = f"POST / HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {HEADERS['Content-Type']}\r\n"
    return parts.hostname, parts.port, f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@case("raw socket", seen="no")
def raw_socket():
    import socket

    guard()
    host, port, request = _raw(os.environ["AWS_ENDPOINT_URL"])
    with socket.create_connection((host, port)) as connection:
        connection.sendall(request)
        connection.recv(65536)


@case("a program in another language", seen="no")
def other_language():
    import subprocess

    guard()
    subprocess.run(["bash", "-c", SHELL], check=True)


SHELL = """
authority=${AWS_ENDPOINT_URL#http://}
exec 3<>/dev/tcp/${authority%:*}/${authority#*:}
body="Action=TerminateInstances&Version=2016-11-15&InstanceId.1=$BLUE"
printf 'POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n' "$authority" >&3
printf 'Content-Length: %s\r\nConnection: close\r\n\r\n%s' "${#body}" "$body" >&3
cat <&3 >/dev/null
"""


# Not a bypass: what must keep working.
def allowed():
    guard()
    ec2().terminate_instances(InstanceIds=[GREEN])


def innocent():
    guard()
    ec2().describe_instances()
    ec2().describe_regions()


def report(run: Callable[[], object]) -> None:
    """Run a case and print how it ended; an error that is not the guard's is a broken case."""
    try:
        run()
    except Exception as error:
        if type(error).__name__ not in ENDS:
            raise
        print(ENDS[type(error).__name__])
    else:
        print("sent")


if __name__ == "__main__":
    report(CASES.get(sys.argv[1]) or globals()[sys.argv[1]])

"""Putting the guard into a process and taking it out again; in processes of their own, where botocore is thrown out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from unittest import mock

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest

import guardrails
from tests.support.environments import ROOT

# Every place of the modules that are there: the module, class or module that holds it, and what stands there now.
PATCH_POINTS = """
import os, sys, types
import guardrails
from guardrails.intercept.gates import PATCH_POINTS
def standing():
    found = {}
    for name, module in sorted(sys.modules.items()):
        for place in PATCH_POINTS:
            if isinstance(module, types.ModuleType) and name == place.module:
                owners = [module] if not place.owner else [
                    o for o in vars(module).values()
                    if isinstance(o, type) and o.__module__ == name and place.owner in ("*", o.__name__)]
                for owner in owners:
                    if place.name in vars(owner):
                        found[owner, place.name] = vars(owner)[place.name]
    return found
PACKAGE = os.path.dirname(guardrails.__file__)
def ours(function):
    # Those of the module os are built in.
    return hasattr(function, "__code__") and function.__code__.co_filename.startswith(PACKAGE)
"""


@pytest.fixture
def python(tmp_path):
    """python(text): run it as a script; what it printed as JSON."""

    def run(text):
        script = tmp_path / "script.py"
        script.write_text(PATCH_POINTS + textwrap.dedent(text))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
        environment |= {"PYTHONPATH": str(ROOT), "LOG": str(tmp_path / "log.jsonl"), "AWS_DEFAULT_REGION": "eu-west-1"}
        done = subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_uninstall_restores_every_place(python):
    """After uninstall every place holds the very object that it held before, and while installed none does."""
    found = python("""
        import json, boto3, botocore.crt, multiprocessing.spawn, guardrails
        before = standing()
        guardrails.install({"log": {"enabled": False}})
        inside = standing()
        boto3.client("ec2")
        guardrails.uninstall()
        after = standing()
        print(json.dumps({
            "places": len(before),
            "kept": [place[1] for place in before if inside[place] == before[place]],
            "changed": [str(place) for place in before if after[place] != before[place]],
        }))
    """)
    assert found["places"] > 10
    # Newer versions of botocore hand the ticket on by themselves.
    assert set(found["kept"]) <= {"prepare"}
    assert found["changed"] == []


@pytest.mark.parametrize("again", ["purged", "reloaded"])
def test_uninstall_restores_what_was_imported_again(python, again):
    """botocore imported again while installed, by purging or reloading: every copy has its own functions back after."""
    found = python(f"""
        import importlib, json, boto3, guardrails
        before = standing()
        guardrails.install({{"log": {{"enabled": False}}}})
        if {again!r} == "purged":
            for name in [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore")]:
                del sys.modules[name]
            import boto3
        else:
            for name in ("botocore.auth", "botocore.endpoint", "botocore.httpsession", "botocore.client"):
                importlib.reload(sys.modules[name])
        boto3.client("ec2")
        inside = standing()
        guardrails.uninstall()
        print(json.dumps({{
            "again": len(set(inside) - set(before)),
            "guarded": sum(map(ours, inside.values())),
            "left": [str(place) for place in (*before, *inside) if ours(vars(place[0])[place[1]])],
            "changed": [str(place) for place in before if vars(place[0])[place[1]] is not before[place]],
        }}))
    """)
    assert found["again"] > 5
    assert found["guarded"] > 10
    assert (found["left"], found["changed"]) == ([], [])


def test_somebody_before_a_gate_is_left_alone(python):
    """A function that another tool put before ours stays after uninstall, works, and no longer asks the guard."""
    found = python("""
        import json, boto3, guardrails
        from botocore.stub import Stubber
        from botocore.client import BaseClient
        guard = guardrails.install({"log": {"enabled": False}})
        ours = BaseClient._make_api_call
        seen = []
        def theirs(client, name, parameters):
            seen.append(name)
            return ours(client, name, parameters)
        BaseClient._make_api_call = theirs
        guardrails.uninstall()
        client = boto3.client("ec2", aws_access_key_id="a", aws_secret_access_key="b")
        with Stubber(client) as stubber:
            stubber.add_response("terminate_instances", {})
            client.terminate_instances(InstanceIds=["i-1"])
        print(json.dumps({"seen": seen, "theirs": BaseClient._make_api_call is theirs,
                          "handlers": [key for key in vars(client) if "guardrails" in key]}))
    """)
    assert found == {"seen": ["TerminateInstances"], "theirs": True, "handlers": []}


def test_threads_that_install_at_once_share_one_guard(python):
    """Twenty threads installing at the same time get the same guard, and one gate stands at each place."""
    found = python("""
        import json, threading, guardrails
        from concurrent.futures import ThreadPoolExecutor
        start = threading.Barrier(20)
        def install(_):
            start.wait()
            return guardrails.install({"log": {"enabled": False}})
        with ThreadPoolExecutor(20) as pool:
            guards = set(map(id, pool.map(install, range(20))))
        from botocore.client import BaseClient
        depth, function = 0, BaseClient._make_api_call
        while hasattr(function, "__wrapped__"):
            depth, function = depth + ours(function), function.__wrapped__
        print(json.dumps([len(guards), depth]))
    """)
    assert found == [1, 1]


def test_a_fork_during_install_is_guarded(python):
    """A process forked while another thread installs neither hangs nor has half a guard: it has the same one, whole."""
    found = python("""
        import json, os, threading, time, guardrails
        from guardrails.intercept.gates import Gates
        install, inside = Gates.install, threading.Event()
        def slowly(gates):
            inside.set()
            time.sleep(0.5)
            install(gates)
        Gates.install = slowly
        installing = threading.Thread(target=guardrails.install, args=({"log": {"enabled": False}},))
        installing.start()
        inside.wait()
        child = os.fork()
        if child == 0:
            from botocore.client import BaseClient
            guard = guardrails.install({"mode": "dryrun", "log": {"enabled": False}})
            os._exit(0 if guard.settings.mode == "enforce" and hasattr(BaseClient._make_api_call, "__wrapped__") else 1)
        installing.join()
        print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    """)
    assert found == 0


def test_a_botocore_without_a_place_is_refused(python):
    """A botocore that a gate does not fit is one sentence, and nothing of the guard stays in it."""
    found = python("""
        import json, botocore.httpsession, guardrails
        del botocore.httpsession.URLLib3Session.send
        before = standing()
        try:
            guardrails.install({"log": {"enabled": False}})
        except guardrails.ConfigError as error:
            print(json.dumps([str(error), standing() == before]))
    """)
    assert "has no URLLib3Session.send" in found[0]
    assert found[1]


def test_importing_guardrails_imports_no_botocore(python):
    """`import guardrails` is cheap; each public name is there when it is asked for."""
    found = python("""
        import json
        for name in [name for name in sys.modules if name.partition(".")[0] in ("guardrails", "botocore")]:
            del sys.modules[name]
        import guardrails
        light = not any(name.startswith("botocore") for name in sys.modules)
        print(json.dumps([light, [name for name in guardrails.__all__ if not hasattr(guardrails, name)]]))
    """)
    assert found == [True, []]
    with pytest.raises(AttributeError, match="instal"):
        _ = guardrails.instal


def test_instrumentation_that_came_before(python):
    """Where wrapt stands before botocore's functions already, the guard stands before it; both are asked."""
    found = python("""
        import json, botocore.client, botocore.session, guardrails, wrapt
        seen = []
        def wrapper(wrapped, instance, args, kwargs):
            seen.append([type(instance).__name__, args[0]])
            return wrapped(*args, **kwargs)
        wrapt.wrap_function_wrapper("botocore.client", "BaseClient._make_api_call", wrapper)
        guardrails.install({"log": {"enabled": False}})
        client = botocore.session.Session().create_client(
            "ec2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x",
            endpoint_url="http://127.0.0.1:9")
        del seen[:]
        try:
            client.stop_instances(InstanceIds=["i-1"])
        except guardrails.CallDenied as error:
            print(json.dumps([seen[0], type(error).__name__]))
    """)
    # After it come the guard's own look-ups.
    assert found == [["EC2", "StopInstances"], "GuardUnavailable"]


def test_a_second_install_with_another_configuration(aws, install, log, caplog):
    """The first guard stays; another configuration is ignored with a warning, the same one or none without."""
    first = install(mode="dryrun")
    assert guardrails.install() is first
    assert install(mode="dryrun") is first
    assert not caplog.records
    assert install(mode="enforce") is first
    assert first.settings.mode == "dryrun"
    (record,) = caplog.records
    assert "install() is ignored: <Guard in mode dryrun" in record.getMessage()


class Sent(BaseException):
    """The session was asked to send: botocore lets it through."""


def test_a_session_without_a_class_of_its_own(aws, install):
    """An endpoint whose session is a mock, as botocore's own tests have it, sends as without the guard."""
    install()
    ec2 = aws.client("ec2")
    ec2._endpoint.http_session = mock.Mock(send=mock.Mock(side_effect=Sent))
    request = {"method": "POST", "url": "https://localhost/", "headers": {}, "body": "", "context": {}}
    with pytest.raises(Sent):
        ec2._endpoint.make_request(ec2.meta.service_model.operation_model("DescribeInstances"), request)


def test_a_request_without_a_url(aws, install):
    """A request that cannot leave, because it has no URL, passes a signer that does not sign, as without the guard."""
    install()
    s3 = aws.client("s3")
    s3.meta.events.register_first("choose-signer.s3", lambda **_: UNSIGNED)
    s3._request_signer.sign("ListBuckets", AWSRequest())


def test_what_is_live_is_said_with_the_first_decision(site, aws, install, caplog):
    """install() and an ungoverned call say nothing; the first decision says once what is live and why."""
    with caplog.at_level("INFO", "guardrails"):
        install()
        assert aws.requests == ()
        site.ec2.describe_regions()
        assert (aws.count("DescribeInstances"), caplog.records) == (0, [])
        for machine in site.green.instance_ids:
            site.ec2.stop_instances(InstanceIds=[machine])
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("guardrails is on (mode enforce). blue is live (eip: blue holds Elastic IPs ")


def test_a_call_under_way(site, aws, install):
    """A call that was signed before install() is denied, and the message says to make it again; then it is sent."""
    ec2, ids = aws.client("ec2"), [site.green.instance_ids[0]]

    def before(**_):
        install()

    ec2.meta.events.register("before-send.ec2", before)
    with pytest.raises(guardrails.GuardUnavailable, match=r"if install\(\) ran meanwhile, make the call again"):
        ec2.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 0
    ec2.meta.events.unregister("before-send.ec2", before)
    ec2.terminate_instances(InstanceIds=ids)
    assert aws.count("TerminateInstances") == 1

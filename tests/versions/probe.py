"""What the guard does in this interpreter with what is installed here, a step per line of standard input.

The program that asks has the simulated AWS, and counts there what each step sends. A step answers with one line of
JSON: "" where it did what it should, else what it did. It needs nothing of ours but `guardrails`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

BLUE, GREEN, LOG = os.environ.get("BLUE", ""), os.environ.get("GREEN", "").split(","), os.environ.get("PROBE_LOG", "")
_CHILD = f"""
import boto3, guardrails
try:
    boto3.client("ec2").terminate_instances(InstanceIds=["{BLUE}"])
except guardrails.CallDenied as error:
    print(error.decision.violations[0].rule)
"""
_kept = {}


def install():
    """Installs, with the canaries that the guard sends itself, and finds a client that was there before."""
    import boto3

    import guardrails

    _kept["old"] = boto3.client("ec2")
    guard = guardrails.install({"log": {"path": LOG}, "state": {"path": str(Path(LOG).with_name("state.db"))}})
    _kept["ec2"] = boto3.client("ec2")
    return "" if guard else "no guard"


def denied():
    """A call on the live cluster raises CallDenied, by a new client and by an old one."""
    return _denied(_kept["ec2"]) or _denied(_kept["old"])


def _denied(client):
    import guardrails

    try:
        client.terminate_instances(InstanceIds=[BLUE])
    except guardrails.CallDenied as error:
        return _rule(error)
    return "it was not denied"


def _rule(error):
    rules = [violation.rule for violation in error.decision.violations]
    return "" if "live-cluster/terminate" in rules else f"denied by {rules}: {error}"


def passes():
    """The half-started cluster's machine is terminated."""
    answer = _kept["ec2"].terminate_instances(InstanceIds=[GREEN[0]])
    return "" if answer["TerminatingInstances"] else "nothing was terminated"


def ungoverned():
    """A call that no policy is about is answered."""
    import boto3

    return "" if "Users" in boto3.client("iam").list_users() else "no users"


def plan():
    """Inside a plan the call is answered, and stays here."""
    import guardrails

    with guardrails.plan() as planning:
        _kept["ec2"].terminate_instances(InstanceIds=[GREEN[1]])
    return "" if planning.plan.entries else "nothing is planned"


def child():
    """A Python that this process starts is guarded."""
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=False)
    return "" if "live-cluster/terminate" in done.stdout else (done.stdout + done.stderr)[-500:]


def awaited():
    """With aiobotocore the live cluster is denied and the other one passes."""
    return asyncio.run(_awaited())


async def _awaited():
    from aiobotocore.session import get_session

    import guardrails

    async with get_session().create_client("ec2") as ec2:
        try:
            await ec2.terminate_instances(InstanceIds=[BLUE])
        except guardrails.CallDenied as error:
            wrong = _rule(error)
        else:
            wrong = "it was not denied"
        if not wrong:
            await ec2.terminate_instances(InstanceIds=[GREEN[1]])
        return wrong


def log():
    """The decision log has each decision, as JSON."""
    entries = [json.loads(line) for line in Path(LOG).read_text().splitlines()]
    kept = {entry.get("custom", {}).get("enforcement") for entry in entries}
    return "" if {"allow", "deny"} <= kept else f"only {kept}"


def command():
    """`guardrails check` denies by its exit code."""
    arguments = ["check", "ec2", "TerminateInstances", f"InstanceIds={BLUE}"]
    done = subprocess.run([sys.executable, "-m", "guardrails", *arguments], capture_output=True, text=True, check=False)
    return (
        ""
        if done.returncode == 3 and "live-cluster/terminate" in done.stdout
        else f"{done.returncode}: {(done.stdout + done.stderr)[-500:]}"
    )


def simulated():
    """With the moto of this environment, `guardrails.testing` shows the same."""
    import guardrails
    from guardrails.testing import SimulatedAWS

    with SimulatedAWS() as aws:
        blue = aws.start_cluster("blue", 2, addresses=1)
        green = aws.start_cluster("green", 1)
        os.environ.update(aws.environment())
        guardrails.install({"log": {"path": LOG}})
        session = aws.session().client("ec2")
        aws.clear()
        try:
            session.terminate_instances(InstanceIds=[*blue.instance_ids])
        except guardrails.CallDenied as error:
            if wrong := _rule(error):
                return wrong
        if (aws.count("TerminateInstances"), aws.running("blue")) != (0, 2):
            return "it was not denied"
        session.terminate_instances(InstanceIds=[*green.instance_ids])
        return "" if aws.count("TerminateInstances") == 1 and aws.running("green") == 0 else "green still runs"


STEPS = {function.__name__: function for function in (
    install, denied, passes, ungoverned, plan, child, awaited, log, command, simulated
)}  # fmt: skip


def _take(name):
    try:
        return STEPS[name]()
    except BaseException:
        return traceback.format_exc()[-1500:]


def main():
    """Answer each name of a step that comes in."""
    for line in sys.stdin:
        print(json.dumps(_take(line.strip())), flush=True)


if __name__ == "__main__":
    if "elsewhere" in sys.argv:
        from tests.versions import elsewhere

        elsewhere.become(locks="unlocked" not in sys.argv)
    main()

"""Governed calls that a destructor makes (`__del__`): in the middle of a decision, and at the end of the program."""

from __future__ import annotations

import subprocess
import sys

import pytest

IN_BETWEEN = """
import gc, sys, threading, types, guardrails, boto3
from guardrails.resolve import connection, kept_answers

gc.disable()

class Lock:
    def __init__(self):
        self.lock = threading.Lock()
    def __enter__(self):
        self.lock.acquire()
        gc.collect()
    def __exit__(self, *_):
        self.lock.release()

def ask(self, lookup, usual=connection.Connection.ask):
    gc.collect()
    return usual(self, lookup)

place, mode, live, other = sys.argv[1:]
if place == "a lock":
    kept_answers.threading = types.SimpleNamespace(Lock=Lock, Thread=threading.Thread)
else:
    connection.Connection.ask = ask
guardrails.install({"log": {"path": "decisions.jsonl"}, "mode": mode, "max_fact_age_s": 60, "lookup_timeout_s": 60})

class Shop:
    def __init__(self, ec2, machine):
        self.ec2, self.machine, self.itself = ec2, machine, self
    def __del__(self):
        try:
            self.ec2.terminate_instances(InstanceIds=[self.machine])
            print("sent")
        except guardrails.GuardUnavailable as error:
            print(error.decision.unavailable)

ec2 = boto3.client("ec2")
Shop(ec2, live)
ec2.terminate_instances(InstanceIds=[other])
print("sent from outside")
"""
AT_THE_END = """
import os, sys, guardrails, boto3
guardrails.install({"log": {"path": "decisions.jsonl"}})

class Shop:
    def __init__(self, ec2, machines):
        self.ec2, self.machines = ec2, machines
    def __del__(self, write=os.write):
        for machine in self.machines:
            try:
                self.ec2.terminate_instances(InstanceIds=[machine])
            except BaseException as error:
                write(1, f"{type(error).__name__}: {error}\\n".encode())

ec2 = boto3.client("ec2")
ec2.terminate_instances(InstanceIds=[sys.argv[2]])
shop = Shop(ec2, sys.argv[1:])
shop.itself = shop
"""


@pytest.mark.parametrize("place", ["a lock", "a look-up"])
def test_in_the_middle_of_a_decision(place, site, aws, tmp_path):
    """It waits for nothing that it has interrupted: it is refused, says where to make it, and the decision goes on."""
    machines = site.blue.instance_ids[0], site.green.instance_ids[0]
    command = [sys.executable, "-c", IN_BETWEEN, place, "enforce", *machines]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    refused, outside = done.stdout.splitlines()
    assert "made by a destructor" in refused
    assert "make it outside" in refused
    assert outside == "sent from outside"
    assert aws.count("TerminateInstances") == 1


def test_in_the_middle_of_a_decision_that_only_warns(site, aws, tmp_path):
    """Where nothing blocks, it is sent, and a warning says what would have been."""
    machines = site.blue.instance_ids[0], site.green.instance_ids[0]
    command = [sys.executable, "-c", IN_BETWEEN, "a lock", "warn", *machines]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == ["sent", "sent from outside"]
    assert "made by a destructor" in done.stderr
    assert aws.count("TerminateInstances") == 2


def test_at_the_end_of_the_program(site, aws, tmp_path):
    """The program ends, although no thread can be started any more, and nothing on the live cluster is sent."""
    command = [sys.executable, "-c", AT_THE_END, site.blue.instance_ids[0], site.green.instance_ids[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    refused = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in refused] == ["GuardUnavailable"] * 2
    assert all("The program ends" in line and "atexit" in line for line in refused)
    assert aws.count("TerminateInstances") == 1

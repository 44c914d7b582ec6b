"""Governed calls that a destructor makes (`__del__`): at the end of the program."""

from __future__ import annotations

import subprocess
import sys

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


def test_at_the_end_of_the_program(site, aws, tmp_path):
    """The program ends, although no thread can be started any more, and nothing on the live cluster is sent."""
    command = [sys.executable, "-c", AT_THE_END, site.blue.instance_ids[0], site.green.instance_ids[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["GuardUnavailable"] * 2
    assert aws.count("TerminateInstances") == 1

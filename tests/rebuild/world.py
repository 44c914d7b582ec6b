"""A rebuild in the simulated AWS, in a time of its own."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

from attrs import define, evolve, field
from botocore.config import Config

from guardrails import assembly
from guardrails.guard import Guard
from guardrails.rebuild import boot, folder, progress
from guardrails.rebuild.collect import collect
from guardrails.rebuild.plan import HISTORY, Wish, make_plan
from guardrails.rebuild.reading import Reader
from guardrails.rebuild.run import Run
from guardrails.rebuild.send import Surroundings
from guardrails.rebuild.turns import Turns

# As the command does it: a run repeats a throttled call itself.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})


@define
class Clock:
    """Seconds that pass only while someone sleeps."""

    now: float = field(factory=time.time)

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += max(seconds, 0.0)


class World:
    """A guard with the clock of the simulated AWS, whose requests it judges."""

    def __init__(self, aws, tmp_path: Path, monkeypatch, **config):
        self.aws, self.clock, self.told = aws, Clock(), []
        aws.use_clock(self.clock)
        monkeypatch.setattr("guardrails.enforce.pacing.turn.time", SimpleNamespace(time=self.clock))
        log = {"path": str(tmp_path / "decisions.jsonl")}
        self.guard = Guard.from_config({"log": log, "max_fact_age_s": 60, **config})
        self.clients = {}
        self.reader = Reader(self.client)
        # For vCPU quotas, which moto does not have.
        quota = '{"Quota": {"QuotaCode": "L-1216C47A", "Value": 100000.0}}'
        aws.reply("GetServiceQuota", quota)

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.aws.session().client(service, config=ONCE)
            self.guard.attach(self.clients[service])
        return self.clients[service]

    def plan(self, cluster, given=None, **wish):
        return make_plan(self.guard, self.reader, Wish(cluster, **wish), self.clock.now, given)

    def begin(self, plan, run_id="0123abcd"):
        return progress.begin(self.guard.settings, plan, run_id, self.clock.now)

    def run(self, made):
        pacer = assembly.history(self.guard.settings).pacer
        turns = Turns(pacer, made.scope, False, 0.8, self.clock, self.clock.sleep, self.told.append)
        history = folder.folder(self.guard.settings) / HISTORY
        around = Surroundings(self.reader, turns, history, None, self.clock, self.clock.sleep, self.told.append)
        running = Run(made, around)
        running.go()
        return running

    def lose(self, cluster):
        """All machines of a cluster are gone, as by a script without a guard."""
        ids = list(self.aws.machines(cluster))
        self.aws.client("ec2").terminate_instances(InstanceIds=ids)
        return ids


def as_if(snapshot, count):
    """A snapshot of so many machines like its first: moto takes long to start and describe hundreds."""
    first = snapshot.machines[0]
    others = (evolve(first, id=f"i-{number:017x}") for number in range(1, count))
    return evolve(snapshot, machines=(first, *others))


def rows(world, type_="t3.small", count=10, running=20.0, ready=180.0):
    """A history of boot times."""
    for _ in range(count):
        boot.remember(folder.folder(world.guard.settings) / HISTORY, type_, 0.0, running, ready)


def start(aws, cluster, count, subnet, **more):
    """Machines as people start them: of an image that is there, in a security group, with a name each."""
    ec2 = aws.client("ec2")
    image = ec2.register_image(Name=f"image of {cluster}", RootDeviceName="/dev/sda1")["ImageId"]
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    params = {
        "ImageId": image,
        "InstanceType": "t3.small",
        "SubnetId": subnet,
        "SecurityGroupIds": [groups[0]["GroupId"]],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": cluster}]}],
        **more,
    }
    return [each["InstanceId"] for each in ec2.run_instances(MinCount=count, MaxCount=count, **params)["Instances"]]


def keep(world):
    """What `guardrails rebuild snapshot` does."""
    snapshot = collect(world.reader, world.guard.settings, "eu-west-1", world.clock.now)
    folder.keep(world.guard.settings, snapshot)
    return snapshot

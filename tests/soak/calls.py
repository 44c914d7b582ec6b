"""What the workers of the soak do: harmful calls, innocent ones that the guard decides on, and those it leaves alone.

Each function makes one call with the clients of its thread. What it names is read from the plan file of the run.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

Call = Callable[["Hands"], Any]


@frozen
class Hands:
    """The clients of one thread, its chance, and what there is in the account."""

    clients: Mapping[str, Any]
    chance: random.Random
    place: Path

    @property
    def ec2(self) -> Any:
        return self.clients["ec2"]

    @property
    def now(self) -> dict[str, Any]:
        """Who serves, and which machines and addresses there are."""
        return dict(json.loads((self.place / "account.json").read_text()))

    def serving(self, most: int = 1) -> list[str]:
        """Some machines of the side that serves."""
        now = self.now
        return self.chance.sample(now["sides"][now["serving"]], most)

    def spare(self) -> str:
        return str(self.chance.choice(self.now["spares"]))


# -- harmful: none of these may arrive ---------------------------------------------------------------------------------


def terminates_one(hands: Hands) -> Any:
    return hands.ec2.terminate_instances(InstanceIds=hands.serving())


def terminates_all(hands: Hands) -> Any:
    return hands.ec2.terminate_instances(InstanceIds=hands.serving(4))


def terminates_a_mixture(hands: Hands) -> Any:
    return hands.ec2.terminate_instances(InstanceIds=[hands.spare(), *hands.serving()])


def terminates_the_one_before(hands: Hands) -> Any:
    now = hands.now
    (other,) = {*now["sides"]} - {now["serving"]}
    if not now["switched"]:
        other = now["serving"]
    return hands.ec2.terminate_instances(InstanceIds=now["sides"][other][:2])


def stops(hands: Hands) -> Any:
    return hands.ec2.stop_instances(InstanceIds=hands.serving(2))


def releases(hands: Hands) -> Any:
    return hands.ec2.release_address(AllocationId=hands.now["allocations"][0])


def takes_the_address(hands: Hands) -> Any:
    address = hands.now["allocations"][1]
    return hands.ec2.associate_address(AllocationId=address, InstanceId=hands.spare(), AllowReassociation=True)


def retags(hands: Hands) -> Any:
    return hands.ec2.create_tags(Resources=hands.serving(), Tags=[{"Key": "Cluster", "Value": "spare"}])


def forgets_the_tag(hands: Hands) -> Any:
    return hands.ec2.delete_tags(Resources=hands.serving(), Tags=[{"Key": "Cluster"}])


# -- governed, and allowed ---------------------------------------------------------------------------------------------


def reboots_a_spare(hands: Hands) -> Any:
    return hands.ec2.reboot_instances(InstanceIds=[hands.spare()])


def terminates_a_spare(hands: Hands) -> Any:
    return hands.ec2.terminate_instances(InstanceIds=[hands.spare()])


def takes_and_gives_back_an_address(hands: Hands) -> Any:
    allocated = hands.ec2.allocate_address(Domain="vpc")["AllocationId"]
    return hands.ec2.release_address(AllocationId=allocated)


def makes_and_deletes_a_disk(hands: Hands) -> Any:
    volume = hands.ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    return hands.ec2.delete_volume(VolumeId=volume)


def notes_an_owner(hands: Hands) -> Any:
    return hands.ec2.create_tags(Resources=[hands.spare()], Tags=[{"Key": "Owner", "Value": "soak"}])


# -- not governed ------------------------------------------------------------------------------------------------------


def describes(hands: Hands) -> Any:
    return hands.ec2.describe_instances(Filters=[{"Name": "tag:Cluster", "Values": ["spare"]}])


def puts_and_gets(hands: Hands) -> Any:
    key = f"{hands.chance.random()}"
    hands.clients["s3"].put_object(Bucket="soak", Key="same", Body=key)
    return hands.clients["s3"].get_object(Bucket="soak", Key="same")["Body"].read()


def who_am_i(hands: Hands) -> Any:
    return hands.clients["sts"].get_caller_identity()


def sends(hands: Hands) -> Any:
    url = hands.now["queue"]
    hands.clients["sqs"].send_message(QueueUrl=url, MessageBody="soak")
    for each in hands.clients["sqs"].receive_message(QueueUrl=url).get("Messages", []):
        hands.clients["sqs"].delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])


HARMFUL: tuple[Call, ...] = (
    terminates_one, terminates_all, terminates_a_mixture, terminates_the_one_before, stops, releases,
    takes_the_address, retags, forgets_the_tag,
)  # fmt: skip
INNOCENT: tuple[Call, ...] = (
    reboots_a_spare, terminates_a_spare, takes_and_gives_back_an_address, makes_and_deletes_a_disk, notes_an_owner,
)  # fmt: skip
UNGOVERNED: tuple[Call, ...] = (describes, puts_and_gets, who_am_i, sends)

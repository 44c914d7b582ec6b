"""Two sides of a shop with what AWS can protect of each."""

from __future__ import annotations

from attrs import frozen

from guardrails.testing import Cluster, SimulatedAWS


@frozen
class Sides:
    """Blue and green; blue is live until `cut_over`."""

    aws: SimulatedAWS
    blue: Cluster
    green: Cluster

    def cut_over(self) -> None:
        """Move the address to green."""
        self._move_to(self.green)

    def cut_back(self) -> None:
        """Move it back to blue."""
        self._move_to(self.blue)

    def _move_to(self, side: Cluster) -> None:
        self.aws.client("ec2").associate_address(
            AllocationId=self.blue.allocation_ids[0], InstanceId=side.instance_ids[0], AllowReassociation=True
        )


def build(aws: SimulatedAWS) -> Sides:
    """Two machines, a group of a third, a database, a table and a balancer for each side."""
    blue, green = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 2)
    subnets = [each["SubnetId"] for each in aws.client("ec2").describe_subnets()["Subnets"]][:2]
    groups = aws.client("autoscaling")
    groups.create_launch_configuration(LaunchConfigurationName="jobs", ImageId="ami-12345678", InstanceType="t3.small")
    for name in ("blue", "green"):
        tags = [{"Key": "Cluster", "Value": name}]
        aws.client("rds").create_db_instance(
            DBInstanceIdentifier=f"db-{name}", DBInstanceClass="db.t3.small", Engine="postgres", AllocatedStorage=5,
            MasterUsername="admin", MasterUserPassword="not-a-secret", Tags=tags,
        )  # fmt: skip
        aws.client("dynamodb").create_table(
            TableName=f"table-{name}", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
            Tags=tags,
        )  # fmt: skip
        aws.client("elbv2").create_load_balancer(Name=f"balancer-{name}", Subnets=subnets, Tags=tags)
        groups.create_auto_scaling_group(
            AutoScalingGroupName=f"group-{name}", LaunchConfigurationName="jobs", MinSize=1, MaxSize=1,
            AvailabilityZones=["eu-west-1a"], Tags=[{**tags[0], "PropagateAtLaunch": True}],
        )  # fmt: skip
    return Sides(aws, blue, green)

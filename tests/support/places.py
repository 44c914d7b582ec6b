"""A cluster in a network of its own, with one of each thing that a call may hurt."""

from __future__ import annotations

from attrs import frozen


@frozen
class Parts:
    """The ids of everything that carries a cluster in its own network."""

    machine: str
    volume: str
    subnet: str
    eni: str
    attachment: str
    private_ip: str
    route_table: str
    main_table: str
    route_association: str
    acl: str
    acl_association: str
    nat: str
    asg: str
    allocation: str
    association: str
    public_ip: str


def _only(client, operation, member, **filters):
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    (item,) = getattr(client, operation)(Filters=wanted)[member]
    return item


def build(aws, name, cidr):
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    vpc = ec2.create_vpc(CidrBlock=f"{cidr}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{cidr}.1.0/24")["Subnet"]["SubnetId"]
    unrouted = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{cidr}.2.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    cluster = aws.start_cluster(name, 2, subnet=subnet, addresses=1)
    # One machine that only the main route table serves.
    aws.start_cluster(name, 1, subnet=unrouted)
    machine = _only(ec2, "describe_instances", "Reservations", instance_id=cluster.instance_ids[0])["Instances"][0]
    interface = machine["NetworkInterfaces"][0]
    acl = _only(ec2, "describe_network_acls", "NetworkAcls", vpc_id=vpc)
    spare = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=spare)["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    autoscaling.create_launch_configuration(
        LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.small"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=f"{name}-asg", MinSize=1, MaxSize=3, DesiredCapacity=2, LaunchConfigurationName=name,
        VPCZoneIdentifier=subnet, Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
    )  # fmt: skip
    address = _only(ec2, "describe_addresses", "Addresses", allocation_id=cluster.allocation_ids[0])
    return Parts(
        machine=cluster.instance_ids[0],
        volume=machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"],
        subnet=subnet,
        eni=interface["NetworkInterfaceId"],
        attachment=interface["Attachment"]["AttachmentId"],
        private_ip=interface["PrivateIpAddress"],
        route_table=table,
        main_table=_only(
            ec2, "describe_route_tables", "RouteTables", vpc_id=vpc, **{"association.main": "true"}
        )["RouteTableId"],
        route_association=association,
        acl=acl["NetworkAclId"],
        acl_association=next(
            each["NetworkAclAssociationId"] for each in acl["Associations"] if each["SubnetId"] == subnet
        ),
        nat=nat,
        asg=f"{name}-asg",
        allocation=cluster.allocation_ids[0],
        association=address["AssociationId"],
        public_ip=cluster.public_ips[0],
    )  # fmt: skip


def both(aws):
    """The parts of blue and of green, by their names."""
    return {"blue": build(aws, "blue", "10.1"), "green": build(aws, "green", "10.2")}

"""Each kind of target, named in each way AWS knows: denied on the live cluster, free on the other."""

from __future__ import annotations

import pytest
from attrs import frozen
from botocore.exceptions import ClientError

import guardrails


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


@pytest.fixture
def places(aws):
    """Blue, whose address is the one that counts as live, and green, which has one too."""
    built = {"blue": build(aws, "blue", "10.1"), "green": build(aws, "green", "10.2")}
    aws.clear()
    return built


CALLS = [
    ("ec2", "terminate_instances", lambda p: {"InstanceIds": [p.machine]}),
    ("ec2", "send_diagnostic_interrupt", lambda p: {"InstanceId": p.machine}),
    ("ec2", "create_image", lambda p: {"InstanceId": p.machine, "Name": "copy"}),
    ("ec2", "create_replace_root_volume_task", lambda p: {"InstanceId": p.machine}),
    ("ec2", "modify_instance_attribute", lambda p: {"InstanceId": p.machine, "Groups": ["sg-1"]}),
    ("ec2", "modify_instance_attribute", lambda p: {"InstanceId": p.machine, "SourceDestCheck": {"Value": False}}),
    ("ec2", "modify_instance_attribute", lambda p: {"InstanceId": p.machine, "InstanceType": {"Value": "t3.nano"}}),
    ("ec2", "modify_instance_attribute", lambda p: {
        "InstanceId": p.machine, "InstanceInitiatedShutdownBehavior": {"Value": "terminate"}}),
    ("ec2", "modify_instance_placement", lambda p: {"InstanceId": p.machine, "Tenancy": "host"}),
    ("ec2", "delete_volume", lambda p: {"VolumeId": p.volume}),
    ("ec2", "detach_volume", lambda p: {"VolumeId": p.volume}),
    ("ec2", "modify_subnet_attribute", lambda p: {"SubnetId": p.subnet, "MapPublicIpOnLaunch": {"Value": True}}),
    ("ec2", "delete_subnet", lambda p: {"SubnetId": p.subnet}),
    ("ec2", "associate_route_table", lambda p: {"SubnetId": p.subnet, "RouteTableId": p.main_table}),
    ("ec2", "replace_route_table_association", lambda p: {
        "AssociationId": p.route_association, "RouteTableId": "rtb-1"}),
    ("ec2", "disassociate_route_table", lambda p: {"AssociationId": p.route_association}),
    ("ec2", "delete_route", lambda p: {"RouteTableId": p.route_table, "DestinationCidrBlock": "0.0.0.0/0"}),
    ("ec2", "delete_route", lambda p: {"RouteTableId": p.main_table, "DestinationCidrBlock": "0.0.0.0/0"}),
    ("ec2", "replace_route", lambda p: {"RouteTableId": p.main_table, "DestinationCidrBlock": "0.0.0.0/0"}),
    ("ec2", "delete_route_table", lambda p: {"RouteTableId": p.route_table}),
    ("ec2", "delete_network_acl_entry", lambda p: {"NetworkAclId": p.acl, "RuleNumber": 100, "Egress": False}),
    ("ec2", "replace_network_acl_association", lambda p: {"AssociationId": p.acl_association, "NetworkAclId": "acl-1"}),
    ("ec2", "delete_nat_gateway", lambda p: {"NatGatewayId": p.nat}),
    ("ec2", "delete_network_interface", lambda p: {"NetworkInterfaceId": p.eni}),
    ("ec2", "detach_network_interface", lambda p: {"AttachmentId": p.attachment, "Force": True}),
    ("ec2", "modify_network_interface_attribute", lambda p: {"NetworkInterfaceId": p.eni, "Groups": ["sg-1"]}),
    ("ec2", "reset_network_interface_attribute", lambda p: {"NetworkInterfaceId": p.eni}),
    ("ec2", "unassign_private_ip_addresses", lambda p: {
        "NetworkInterfaceId": p.eni, "PrivateIpAddresses": [p.private_ip]}),
    ("ec2", "unassign_ipv6_addresses", lambda p: {"NetworkInterfaceId": p.eni, "Ipv6Addresses": ["2001:db8::1"]}),
    ("ec2", "disassociate_address", lambda p: {"AssociationId": p.association}),
    ("ec2", "disassociate_address", lambda p: {"PublicIp": p.public_ip}),
    ("ec2", "release_address", lambda p: {"AllocationId": p.allocation}),
    ("ec2", "release_address", lambda p: {"PublicIp": p.public_ip}),
    ("ec2", "enable_address_transfer", lambda p: {"AllocationId": p.allocation, "TransferAccountId": "1" * 12}),
    ("ec2", "withdraw_byoip_cidr", lambda p: {"Cidr": f"{p.public_ip}/32"}),
    ("ec2", "delete_tags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Cluster"}]}),
    ("ec2", "create_tags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Cluster", "Value": "retired"}]}),
    ("resourcegroupstaggingapi", "untag_resources", lambda p: {
        "ResourceARNList": [f"arn:aws:ec2:eu-west-1:123456789012:instance/{p.machine}"], "TagKeys": ["Cluster"]}),
    ("autoscaling", "delete_auto_scaling_group", lambda p: {"AutoScalingGroupName": p.asg, "ForceDelete": True}),
    ("autoscaling", "set_desired_capacity", lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 1}),
    ("autoscaling", "update_auto_scaling_group", lambda p: {"AutoScalingGroupName": p.asg, "MaxSize": 1, "MinSize": 0}),
    ("autoscaling", "update_auto_scaling_group", lambda p: {"AutoScalingGroupName": p.asg, "VPCZoneIdentifier": "s"}),
    ("autoscaling", "start_instance_refresh", lambda p: {"AutoScalingGroupName": p.asg}),
    ("autoscaling", "terminate_instance_in_auto_scaling_group", lambda p: {
        "InstanceId": p.machine, "ShouldDecrementDesiredCapacity": True}),
    ("autoscaling", "enter_standby", lambda p: {
        "AutoScalingGroupName": p.asg, "InstanceIds": [p.machine], "ShouldDecrementDesiredCapacity": True}),
    ("autoscaling", "detach_instances", lambda p: {
        "AutoScalingGroupName": p.asg, "InstanceIds": [p.machine], "ShouldDecrementDesiredCapacity": True}),
    ("autoscaling", "set_instance_health", lambda p: {"InstanceId": p.machine, "HealthStatus": "Unhealthy"}),
    ("autoscaling", "set_instance_protection", lambda p: {
        "AutoScalingGroupName": p.asg, "InstanceIds": [p.machine], "ProtectedFromScaleIn": False}),
    ("autoscaling", "delete_tags", lambda p: {
        "Tags": [{"ResourceId": p.asg, "ResourceType": "auto-scaling-group", "Key": "Cluster"}]}),
]  # fmt: skip


def test_every_target(places, aws, install):
    """Every call of the list is denied for the live cluster, because of what is known of its target; none arrives."""
    install(live={"eip_addresses": [places["blue"].public_ip]})
    for service, method, params in CALLS:
        client = aws.client(service)
        operation = client.meta.method_to_api_mapping[method]
        with pytest.raises(guardrails.CallDenied) as caught:
            getattr(client, method)(**params(places["blue"]))
        message = (operation, str(caught.value))
        assert type(caught.value) is guardrails.CallDenied, message
        assert "blue" in str(caught.value), message
        # Denied because of what is known of it, not because something is unknown.
        rules = {violation.rule for violation in caught.value.decision.violations}
        assert not rules & {"live-cluster/unresolved", "live-cluster/unknown-live", "live-cluster/untagged"}, message
        assert aws.count(operation) == 0, operation


def test_the_other_cluster_is_free(places, aws, install):
    """The same calls on the cluster that is not live arrive at the server, each of them once."""
    install(live={"eip_addresses": [places["blue"].public_ip]})
    for service, method, params in CALLS:
        client = aws.client(service)
        operation = client.meta.method_to_api_mapping[method]
        # moto does not know all of these; that the request arrived is what counts.
        aws.answer(operation, 400, "Arrived", "it arrived")
        aws.clear()
        with pytest.raises(ClientError, match="it arrived"):
            getattr(client, method)(**params(places["green"]))
        assert aws.count(operation) == 1, operation


def test_every_governed_operation_of_the_list_is_known():
    """The catalogue governs each call of the list."""
    import botocore.session

    from guardrails.classify.catalogue import Catalogue

    session, catalogue = botocore.session.get_session(), Catalogue()
    for service, method, _ in CALLS:
        model = session.get_service_model(service)
        names = {name for name in model.operation_names if name.lower() == method.replace("_", "")}
        assert len(names) == 1
        assert catalogue.lookup(model.signing_name, names.pop()) is not None

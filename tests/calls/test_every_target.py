"""Each kind of target, named in each way AWS knows: denied on the live cluster, free on the other."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

import guardrails

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

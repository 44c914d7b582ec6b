"""What else AWS describes of each side of the shop: a row for each look-up, with the type of thing in each member.

A member is a path, with ``[]`` behind a list; a value that starts with "=" is plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Named(Protocol):
    """What gives things their names: a side of the shop."""

    def id(self, kind: str, member: str = "") -> str:
        """What a thing of this type is called."""
        ...


_FILE_SYSTEM = {"FileSystemId": "efs", "VpcId": "vpc", "SubnetId": "subnet"}
_VERIFIED_ACCESS = {
    "VerifiedAccessEndpointId": "verified-access-endpoint", "VerifiedAccessGroupId": "verified-access-group",
    "VerifiedAccessInstanceId": "verified-access-instance", "LoadBalancerOptions.LoadBalancerArn": "load-balancer",
}  # fmt: skip
# Lightsail lists tags with its resources.
_TAGGED = {"tags[].key": "=Cluster", "tags[].value": "tag-selector"}
ROWS: Mapping[str, Mapping[str, str]] = {
    # EC2
    "DescribeLaunchConfigurations": {"LaunchConfigurationName": "launch-configuration", "ImageId": "ami"},
    "DescribeLaunchTemplateVersions": {
        "LaunchTemplateId": "launch-template", "VersionNumber": "=1", "LaunchTemplateData.ImageId": "ami",
        "LaunchTemplateData.KeyName": "key-pair",
    },
    "DescribeSecurityGroups": {"GroupId": "security-group", "VpcId": "vpc"},
    "DescribeKeyPairs": {"KeyPairId": "key-pair", "KeyName": "key-pair"},
    "GetSchedule": {"Target.Arn": "marked"},
    "GetTemplateSummary": {},
    "ListExports": {"Name": "=network-vpc", "Value": "vpc"},
    "DescribeFleets": {"FleetId": "fleet", "FleetState": "=active"},
    "DescribeSpotFleetRequests": {"SpotFleetRequestId": "spot-fleet", "SpotFleetRequestState": "=active"},
    "DescribeVpnConnections": {
        "VpnConnectionId": "vpn-connection", "CustomerGatewayId": "customer-gateway", "VpnGatewayId": "vpn-gateway",
    },
    "DescribeVpnConcentrators": {"VpnConcentratorId": "vpn-concentrator", "TransitGatewayId": "transit-gateway"},
    "DescribeClientVpnEndpoints": {"ClientVpnEndpointId": "client-vpn-endpoint", "VpcId": "vpc"},
    "DescribeVerifiedAccessEndpoints": _VERIFIED_ACCESS,
    "DescribeVerifiedAccessInstances": {
        "VerifiedAccessInstanceId": "verified-access-instance",
        "VerifiedAccessTrustProviders[].VerifiedAccessTrustProviderId": "verified-access-trust-provider",
    },
    "DescribeVpcEndpointServiceConfigurations": {
        "ServiceId": "vpc-endpoint-service", "NetworkLoadBalancerArns[]": "load-balancer",
    },
    "DescribeVpcBlockPublicAccessExclusions": {
        "ExclusionId": "vpc-bpa-exclusion", "ResourceArn": "=arn:aws:ec2:eu-west-1:123456789012:vpc/{vpc}",
    },
    "DescribeVpcEncryptionControls": {"VpcEncryptionControlId": "vpc-encryption-control", "VpcId": "vpc"},
    "DescribeRouteServerEndpoints": {
        "RouteServerId": "route-server", "RouteServerEndpointId": "route-server-endpoint", "VpcId": "vpc",
    },
    "DescribeRouteServerPeers": {"RouteServerPeerId": "route-server-peer", "VpcId": "vpc"},
    "DescribeTrunkInterfaceAssociations": {
        "AssociationId": "trunk-association", "BranchInterfaceId": "eni", "TrunkInterfaceId": "eni",
    },
    "DescribeSecondaryInterfaces": {
        "SecondaryNetworkId": "secondary-network", "SecondarySubnetId": "secondary-subnet",
        "Attachment.InstanceId": "instance",
    },
    "DescribeIpamPrefixListResolverTargets": {
        "IpamPrefixListResolverId": "ipam-prefix-list-resolver", "PrefixListId": "prefix-list",
        "IpamPrefixListResolverTargetId": "ipam-prefix-list-resolver-target",
    },
    "GetManagedPrefixListAssociations": {"ResourceId": "route-table"},
    "DescribeIpamPools": {"IpamArn": "ipam", "IpamPoolId": "ipam-pool"},
    "GetIpamPoolAllocations": {"ResourceId": "vpc", "ResourceType": "=vpc"},
    "DescribeTransitGatewayConnectPeers": {
        "TransitGatewayConnectPeerId": "tgw-connect-peer", "TransitGatewayAttachmentId": "tgw-attachment",
    },
    "DescribeTransitGatewayRouteTableAnnouncements": {
        "TransitGatewayRouteTableAnnouncementId": "tgw-announcement", "TransitGatewayRouteTableId": "tgw-route-table",
    },
    "SearchTransitGatewayRoutes": {"TransitGatewayAttachments[].ResourceId": "vpc", "State": "=active"},
    "GetTransitGatewayMulticastDomainAssociations": {"Subnet.SubnetId": "subnet"},
    "DescribeLocalGatewayRouteTableVpcAssociations": {
        "LocalGatewayRouteTableId": "local-gateway-route-table", "LocalGatewayId": "local-gateway", "VpcId": "vpc",
        "LocalGatewayRouteTableVpcAssociationId": "local-gateway-rtb-association",
    },
    "DescribeLocalGatewayRouteTableVirtualInterfaceGroupAssociations": {
        "LocalGatewayRouteTableId": "local-gateway-route-table",
        "LocalGatewayRouteTableVirtualInterfaceGroupAssociationId": "=of-an-interface-group",
    },
    "DescribeLocalGatewayVirtualInterfaces": {
        "LocalGatewayVirtualInterfaceId": "local-gateway-interface", "LocalGatewayId": "local-gateway",
    },
    "DescribeLocalGatewayVirtualInterfaceGroups": {
        "LocalGatewayVirtualInterfaceGroupId": "local-gateway-interface-group", "LocalGatewayId": "local-gateway",
    },
    # Balancers, names, accelerators
    "ListDistributions": {
        "Items[].Id": "cdn-distribution", "Items[].Aliases.Items[]": "cdn-alias",
        "Items[].Origins.Items[].DomainName": "dns-record",
    },
    "GetMetricData": {"Id": "=q0"},
    "GetHealthCheckStatus": {"StatusReport.Status": "=Success: HTTP Status Code 200, OK"},
    "DescribeTrustStoreAssociations": {"ResourceArn": "load-balancer"},
    "DescribeCrossAccountAttachment": {
        "AttachmentArn": "ga-attachment", "Resources[].EndpointId": "load-balancer",
    },
    "ListAccelerators": {"AcceleratorArn": "accelerator"},
    "GetTrafficPolicyInstance": {
        "Id": "traffic-policy-instance", "HostedZoneId": "hosted-zone", "Name": "dns-record",
    },
    # Databases, caches, file systems
    "DescribeDBProxies": {"DBProxyName": "db-proxy", "VpcSubnetIds[]": "subnet"},
    "DescribeDBProxyTargets": {"Type": "=RDS_INSTANCE", "RdsResourceId": "db-instance"},
    "DescribeDBProxyEndpoints": {"DBProxyEndpointName": "db-proxy-endpoint", "DBProxyName": "db-proxy"},
    "DescribeDBClusterEndpoints": {
        "DBClusterEndpointIdentifier": "db-cluster-endpoint", "DBClusterIdentifier": "db-cluster",
    },
    "DescribeDBShardGroups": {"DBShardGroupIdentifier": "db-shard-group", "DBClusterIdentifier": "db-cluster"},
    "DescribeBlueGreenDeployments": {
        "BlueGreenDeploymentIdentifier": "db-bluegreen",
        "Source": "=arn:aws:rds:eu-west-1:123456789012:db:{db-instance}",
    },
    "DescribeGlobalClusters": {
        "GlobalClusterIdentifier": "global-cluster", "GlobalClusterMembers[].DBClusterArn": "db-cluster",
    },
    "DescribeCacheClusters": {
        "CacheClusterId": "cache-cluster", "CacheSubnetGroupName": "cache-subnet-group",
        "CacheParameterGroup.CacheParameterGroupName": "cache-parameter-group",
    },
    "DescribeCacheSubnetGroups": {"CacheSubnetGroupName": "cache-subnet-group", "VpcId": "vpc"},
    "DescribeReplicationGroups": {"ReplicationGroupId": "cache-replication-group", "MemberClusters[]": "cache-cluster"},
    "DescribeGlobalReplicationGroups": {
        "GlobalReplicationGroupId": "cache-global-replication-group",
        "Members[].ReplicationGroupId": "cache-replication-group",
    },
    "DescribeUserGroups": {
        "UserGroupId": "cache-user-group", "UserIds[]": "cache-user", "ReplicationGroups[]": "cache-replication-group",
    },
    "DescribeServerlessCaches": {"ServerlessCacheName": "serverless-cache", "SubnetIds[]": "subnet"},
    "DescribeFileSystems": {"FileSystemId": "efs", "KmsKeyId": "kms-key", "NumberOfMountTargets": "=1"},
    "DescribeMountTargets": {**_FILE_SYSTEM, "MountTargetId": "efs-mount-target"},
    "DescribeAccessPoints": {**_FILE_SYSTEM, "AccessPointId": "efs-access-point"},
    # Containers, applications, stacks
    "DescribeCluster": {"name": "eks-cluster", "tags.Cluster": "tag-selector"},
    "ListFargateProfiles": {},
    "DescribeClusters": {"clusterName": "ecs-cluster", "runningTasksCount": "=3", "status": "=ACTIVE"},
    "DescribeEnvironments": {"EnvironmentName": "eb-environment", "CNAME": "=nobody.elasticbeanstalk.com"},
    "ListStackResources": {
        "ResourceType": "=AWS::EC2::Instance", "PhysicalResourceId": "instance", "LogicalResourceId": "=Machine",
        "ResourceStatus": "=CREATE_COMPLETE",
    },
    "ListStackInstances": {"StackId": "cfn-stack", "Region": "=eu-west-1", "Account": "=123456789012"},
    "GetTemplate": {},
    "GetDeploymentGroup": {"deploymentGroupName": "codedeploy-group", "autoScalingGroups[].name": "asg"},
    "GetDeployment": {"deploymentGroupName": "codedeploy-group", "applicationName": "=shop"},
    "SearchProvisionedProducts": {
        "Id": "provisioned-product", "PhysicalId": "=arn:aws:cloudformation:eu-west-1:123456789012:stack/{cfn-stack}/1",
    },
    # Lightsail
    "GetInstance": {"name": "lightsail-instance", **_TAGGED},
    "GetStaticIp": {"name": "lightsail-static-ip", "attachedTo": "lightsail-instance", **_TAGGED},
    "GetDisk": {"name": "lightsail-disk", "attachedTo": "lightsail-instance", **_TAGGED},
    "GetLoadBalancer": {
        "name": "lightsail-load-balancer", "instanceHealthSummary[].instanceName": "lightsail-instance", **_TAGGED,
    },
    "GetRelationalDatabase": {"name": "lightsail-database", **_TAGGED},
    "GetContainerServices": {"containerServiceName": "lightsail-container-service", **_TAGGED},
    "GetDistributions": {"name": "lightsail-distribution", "origin.name": "lightsail-bucket", **_TAGGED},
    "GetBuckets": {"name": "lightsail-bucket", **_TAGGED},
    "ListEntitiesForPolicy": {"PolicyRoles[].RoleName": "iam-role"},
    "GetPolicy": {"PolicyName": "iam-policy", "DefaultVersionId": "=v1", "AttachmentCount": "=1"},
    "GetPolicyVersion": {"VersionId": "=v1", "Document.Statement.Effect": "=Deny"},
    "GetUser": {
        "UserName": "iam-user", "Arn": "=arn:aws:iam::123456789012:user/{iam-user}", "Tags[].Key": "=Cluster",
        "Tags[].Value": "tag-selector",
    },
    "DescribeBudgetAction": {
        "ActionId": "budget-action", "Definition.SsmActionDefinition.ActionSubType": "=STOP_EC2_INSTANCES",
        "Definition.SsmActionDefinition.InstanceIds[]": "instance",
    },
    # Their ARNs are read where the tagging API lists them.
    "GetNamespace": {},
    "GetWorkgroup": {},
    "GetAccessPoint": {},
    "GetEventSourceMapping": {},
    "GetServiceNetworkServiceAssociation": {},
    "GetServiceNetworkVpcAssociation": {},
    "DescribeVirtualInterfaces": {},
    "DescribeStorageVirtualMachines": {},
    "GetBucketTagging": {"Key": "=Cluster", "Value": "tag-selector"},
    "GetExperimentTemplate": {
        "id": "fis-template", "targets.machines.resourceType": "=aws:ec2:instance",
        "targets.machines.resourceArns[]": "arn", "actions.stop.actionId": "=aws:ec2:stop-instances",
        "actions.stop.targets.Instances": "=machines",
    },
}  # fmt: skip


def built(side: Named, row: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The one item of a row for this side; none for a row without members."""
    item: dict[str, Any] = {}
    for path, value in row.items():
        _put(item, path.split("."), _value(side, value))
    return [item] if item else []


def _value(side: Named, value: str) -> Any:
    if not value.startswith("="):
        return side.id(value)
    kind = value.partition("{")[2].partition("}")[0]
    text = value[1:].replace(f"{{{kind}}}", side.id(kind) if kind else "")
    return int(text) if text.isdecimal() and len(text) < 4 else text


def _put(item: dict[str, Any], path: list[str], value: Any) -> None:
    member, *rest = path
    name = member.removesuffix("[]")
    if not rest:
        item[name] = [value] if name != member else value
        return
    inner = item.setdefault(name, [{}] if name != member else {})
    _put(inner[0] if isinstance(inner, list) else inner, rest, value)

"""Parameters with which doctor tries a look-up: valid ones, about something that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "guardrails-doctor"
_FEW = {"MaxRecords": 20}
_PAGED = (
    "elasticache:DescribeCacheClusters",
    "elasticache:DescribeCacheSubnetGroups",
    "elasticache:DescribeGlobalReplicationGroups",
    "elasticache:DescribeReplicationGroups",
    "elasticache:DescribeUserGroups",
    "rds:DescribeBlueGreenDeployments",
    "rds:DescribeDBClusterEndpoints",
    "rds:DescribeDBClusterSnapshots",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBProxies",
    "rds:DescribeDBProxyEndpoints",
    "rds:DescribeDBShardGroups",
    "rds:DescribeDBSnapshots",
    "rds:DescribeGlobalClusters",
)


_FIXED: Mapping[str, Mapping[str, Any]] = {
    "autoscaling:DescribeAutoScalingGroups": {"AutoScalingGroupNames": [NAME]},
    "cloudwatch:GetMetricData": {
        "MetricDataQueries": [{"Id": "q0", "Expression": "1"}],
        "StartTime": "2020-01-01T00:00:00Z",
        "EndTime": "2020-01-01T00:01:00Z",
    },
    "cloudformation:DescribeChangeSet": {"ChangeSetName": NAME, "StackName": NAME},
    "cloudformation:DescribeStackSet": {"StackSetName": NAME},
    "cloudformation:GetTemplate": {"StackName": NAME},
    "cloudformation:GetTemplateSummary": {"StackName": NAME},
    "cloudformation:ListExports": {"NextToken": NAME},
    "cloudformation:ListStackInstances": {"StackSetName": NAME},
    "cloudformation:ListStackResources": {"StackName": NAME},
    # It has no dry run.
    "ec2:DescribeIamInstanceProfileAssociations": {"AssociationIds": ["iip-assoc-00000000000000000"]},
    "ec2:DescribeInstanceAttribute": {
        "DryRun": True,
        "InstanceId": "i-00000000000000000",
        "Attribute": "disableApiTermination",
    },
    "ec2:DescribeInstanceTypes": {"DryRun": True, "InstanceTypes": ["t3.nano"]},
    "ec2:DescribeLaunchTemplateVersions": {"DryRun": True, "LaunchTemplateName": NAME},
    "elasticloadbalancing:DescribeInstanceHealth": {"LoadBalancerName": NAME},
    "elasticloadbalancing:DescribeLoadBalancers": {"PageSize": 1},
    "elasticloadbalancing:DescribeTargetGroups": {"Names": [NAME]},
    "iam:ListInstanceProfilesForRole": {"RoleName": NAME},
    "route53:ListResourceRecordSets": {"HostedZoneId": "Z00000000000000"},
    "servicequotas:GetServiceQuota": {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"},
    "tag:GetResources": {"TagFilters": [{"Key": NAME}]},
    "application-autoscaling:DescribeScalableTargets": {"ServiceNamespace": "ecs"},
    "application-autoscaling:DescribeScalingPolicies": {"ServiceNamespace": "ecs"},
    "autoscaling:DescribePolicies": {"AutoScalingGroupName": NAME},
    "ecs:DescribeServices": {"services": [NAME]},
    "ecs:DescribeContainerInstances": {"cluster": NAME, "containerInstances": [NAME]},
    "ecs:DescribeTasks": {"cluster": NAME, "tasks": [NAME]},
    "ecs:ListClusters": {"maxResults": 1},
    "ecs:ListServices": {"cluster": NAME},
    "ecs:ListTasks": {"cluster": NAME},
    "elasticloadbalancing:DescribeRules": {"PageSize": 1},
    "autoscaling:DescribeLaunchConfigurations": {"LaunchConfigurationNames": [NAME]},
    "cloudfront:ListDistributions": {"MaxItems": "1"},
    "ec2:GetIpamPoolAllocations": {"DryRun": True, "IpamPoolId": "ipam-pool-00000000000000000"},
    "ec2:GetManagedPrefixListAssociations": {"DryRun": True, "PrefixListId": "pl-00000000000000000"},
    "ec2:GetTransitGatewayMulticastDomainAssociations": {
        "DryRun": True,
        "TransitGatewayMulticastDomainId": "tgw-mcast-domain-00000000000000000",
    },
    "ec2:SearchTransitGatewayRoutes": {
        "DryRun": True,
        "TransitGatewayRouteTableId": "tgw-rtb-00000000000000000",
        "Filters": [{"Name": "state", "Values": ["active"]}],
    },
    "cloudformation:DescribeStacks": {"StackName": NAME},
    "codedeploy:GetDeployment": {"deploymentId": "d-000000000"},
    "codedeploy:GetDeploymentGroup": {"applicationName": NAME, "deploymentGroupName": NAME},
    "lightsail:GetBuckets": {"bucketName": NAME},
    "lightsail:GetContainerServices": {"serviceName": NAME},
    "lightsail:GetDisk": {"diskName": NAME},
    "lightsail:GetDistributions": {"distributionName": NAME},
    "lightsail:GetInstance": {"instanceName": NAME},
    "lightsail:GetLoadBalancer": {"loadBalancerName": NAME},
    "lightsail:GetRelationalDatabase": {"relationalDatabaseName": NAME},
    "lightsail:GetStaticIp": {"staticIpName": NAME},
    "servicecatalog:SearchProvisionedProducts": {"PageSize": 1},
    "ecs:DescribeClusters": {"clusters": [NAME]},
    "eks:DescribeCluster": {"name": NAME},
    "eks:DescribeNodegroup": {"clusterName": NAME, "nodegroupName": NAME},
    "eks:ListFargateProfiles": {"clusterName": NAME},
    "elasticbeanstalk:DescribeEnvironments": {"EnvironmentNames": [NAME]},
    "elasticfilesystem:DescribeAccessPoints": {"MaxResults": 1},
    "elasticfilesystem:DescribeFileSystems": {"MaxItems": 1},
    "elasticfilesystem:DescribeMountTargets": {"FileSystemId": "fs-00000000000000000"},
    "globalaccelerator:ListAccelerators": {"MaxResults": 1},
    "fis:GetExperimentTemplate": {"id": "EXT00000000000000"},
    "iam:GetInstanceProfile": {"InstanceProfileName": NAME},
    "iam:GetRole": {"RoleName": NAME},
    "iam:GetUser": {"UserName": NAME},
    "redshift-serverless:GetNamespace": {"namespaceName": NAME},
    "redshift-serverless:GetWorkgroup": {"workgroupName": NAME},
    "lambda:GetEventSourceMapping": {"UUID": "00000000-0000-0000-0000-000000000000"},
    "vpc-lattice:GetServiceNetworkServiceAssociation": {
        "serviceNetworkServiceAssociationIdentifier": "snsa-00000000000000000"
    },
    "vpc-lattice:GetServiceNetworkVpcAssociation": {"serviceNetworkVpcAssociationIdentifier": "snva-00000000000000000"},
    "directconnect:DescribeVirtualInterfaces": {"maxResults": 1},
    "fsx:DescribeStorageVirtualMachines": {"MaxResults": 1},
    "fsx:DescribeVolumes": {"MaxResults": 1},
    "es:DescribeVpcEndpoints": {"VpcEndpointIds": ["aos-00000000000000000000000000"]},
    "kms:DescribeKey": {"KeyId": "00000000-0000-0000-0000-000000000000"},
    "rds:DescribeDBProxyTargets": {"DBProxyName": NAME},
    "elasticache:DescribeServerlessCaches": {"MaxResults": 1},
    "route53:GetTrafficPolicyInstance": {"Id": "00000000-0000-0000-0000-000000000000"},
    "route53:GetHealthCheckStatus": {"HealthCheckId": "00000000-0000-0000-0000-000000000000"},
    "route53:ListHostedZones": {"MaxItems": "1"},
    "route53:ListTagsForResource": {"ResourceType": "hostedzone", "ResourceId": "Z00000000000000000000"},
    "scheduler:GetSchedule": {"Name": NAME},
    **dict.fromkeys(_PAGED, _FEW),
}


def trial_params(partition: str, region: str, account: str) -> Mapping[str, Mapping[str, Any]]:
    """Parameters by IAM action; all others are dry runs of EC2 without any.

    What does not exist is named as one of this account's: no one has permissions in another account.
    """
    group = f"arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{NAME}/0000000000000000"
    balancer = f"arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{NAME}/0000000000000000"
    accelerator = f"arn:{partition}:globalaccelerator::{account}:accelerator/00000000-0000-0000-0000-000000000000"
    listener = f"{accelerator}/listener/00000000"
    policy = f"arn:{partition}:iam::{account}:policy/{NAME}"
    return {
        **_FIXED,
        "budgets:DescribeBudgetAction": {
            "AccountId": account,
            "BudgetName": NAME,
            "ActionId": "00000000-0000-0000-0000-000000000000",
        },
        "elasticloadbalancing:DescribeListeners": {"LoadBalancerArn": balancer},
        "elasticloadbalancing:DescribeTargetHealth": {"TargetGroupArn": group},
        "iam:GetPolicy": {"PolicyArn": policy},
        "iam:GetPolicyVersion": {"PolicyArn": policy, "VersionId": "v1"},
        "iam:ListEntitiesForPolicy": {"PolicyArn": policy},
        "globalaccelerator:DescribeEndpointGroup": {"EndpointGroupArn": f"{listener}/endpoint-group/000000000000"},
        "globalaccelerator:ListEndpointGroups": {"ListenerArn": listener},
        "globalaccelerator:ListListeners": {"AcceleratorArn": accelerator},
        "elasticloadbalancing:DescribeTags": {"ResourceArns": [group]},
        "s3:GetAccessPoint": {"AccountId": account, "Name": NAME},
        "elasticloadbalancing:DescribeTrustStoreAssociations": {
            "TrustStoreArn": group.replace(":targetgroup/", ":truststore/")
        },
        "globalaccelerator:DescribeCrossAccountAttachment": {
            "AttachmentArn": accelerator.replace(":accelerator/", ":attachment/")
        },
    }

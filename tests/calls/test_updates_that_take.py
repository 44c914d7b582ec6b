"""Updates that do what a deletion would do, of services of which only that was judged. Counted at the server."""

from __future__ import annotations

import pytest

from tests.calls import test_further_services
from tests.calls.test_further_services import LIVE, NAMES, OTHER, arn, filled, stays, tag
from tests.support import rest

pytestmark = pytest.mark.every(3)

site = test_further_services.site
LISTENER, RULE = "listener-0123456789abcdef0", "rule-0123456789abcdef0"
ANSWER = {"fixedResponse": {"statusCode": 404}}
TOKEN = "01234567-89ab-cdef-0123-456789abcdef"
BLOCK = {"Action": "BLOCK", "BlockResponse": "NODATA", "FirewallDomainListId": "rslvr-fdl-1"}
ROUTES = [{"stateMachineVersionArn": "v", "weight": 100}]
PATCH = lambda path, value="0": [{"op": "replace", "path": path, "value": value}]

# What a call names {0}, as in test_further_services.py.
CALLS = [
    ("vpc-lattice", "update_listener", "vpc-lattice", "service/svc-{0}",
     {"serviceIdentifier": "svc-{0}", "listenerIdentifier": LISTENER, "defaultAction": ANSWER}, "traffic"),
    ("vpc-lattice", "update_rule", "vpc-lattice", "service/svc-{0}",
     {"serviceIdentifier": "svc-{0}", "listenerIdentifier": LISTENER, "ruleIdentifier": RULE, "action": ANSWER},
     "traffic"),
    ("vpc-lattice", "batch_update_rule", "vpc-lattice", "service/svc-{0}",
     {"serviceIdentifier": "svc-{0}", "listenerIdentifier": LISTENER, "rules": [{"ruleIdentifier": RULE}]}, "traffic"),
    ("vpc-lattice", "put_auth_policy", "vpc-lattice", "service/svc-{0}",
     {"resourceIdentifier": "svc-{0}", "policy": "{}"}, "traffic"),
    ("vpc-lattice", "delete_auth_policy", "vpc-lattice", "service/svc-{0}",
     {"resourceIdentifier": "svc-{0}"}, "traffic"),
    ("vpc-lattice", "update_service", "vpc-lattice", "service/svc-{0}",
     {"serviceIdentifier": "svc-{0}", "authType": "AWS_IAM"}, "traffic"),
    ("directconnect", "delete_virtual_interface", "directconnect", "dxvif/dxvif-{0}",
     {"virtualInterfaceId": "dxvif-{0}"}, "network"),
    ("directconnect", "delete_bgp_peer", "directconnect", "dxvif/dxvif-{0}",
     {"virtualInterfaceId": "dxvif-{0}"}, "network"),
    ("directconnect", "delete_connection", "directconnect", "dxcon/dxcon-{0}",
     {"connectionId": "dxcon-{0}"}, "network"),
    ("directconnect", "delete_direct_connect_gateway_association", "directconnect", "dx-gateway/{0}" + TOKEN,
     {"directConnectGatewayId": "{0}" + TOKEN, "virtualGatewayId": "vgw-1"}, "network"),
    ("network-firewall", "disassociate_subnets", "network-firewall", "firewall/{0}",
     {"FirewallName": "{0}", "SubnetIds": ["subnet-1"]}, "network"),
    ("network-firewall", "delete_firewall", "network-firewall", "firewall/{0}", {"FirewallName": "{0}"}, "network"),
    ("network-firewall", "update_subnet_change_protection", "network-firewall", "firewall/{0}",
     {"FirewallName": "{0}", "SubnetChangeProtection": False}, "protection"),
    ("networkmanager", "delete_attachment", "networkmanager", "attachment/attachment-{0}",
     {"AttachmentId": "attachment-{0}"}, "network"),
    ("networkmanager", "update_vpc_attachment", "networkmanager", "attachment/attachment-{0}",
     {"AttachmentId": "attachment-{0}", "RemoveSubnetArns": [arn("ec2", "subnet/subnet-1234567")]}, "network"),
    ("redshift", "batch_delete_cluster_snapshots", "redshift", "snapshot:c/{0}",
     {"Identifiers": [{"SnapshotIdentifier": "{0}"}]}, "storage"),
    ("redshift", "modify_cluster", "redshift", "cluster:{0}",
     {"ClusterIdentifier": "{0}", "NewClusterIdentifier": "x"}, "traffic"),
    ("redshift", "modify_cluster", "redshift", "cluster:{0}",
     {"ClusterIdentifier": "{0}", "NodeType": "x"}, "stop"),
    ("fsx", "copy_snapshot_and_update_volume", "fsx", "volume/fs-1/fsvol-{0}",
     {"VolumeId": "fsvol-{0}", "SourceSnapshotARN": arn("fsx", "snapshot/fsvol-1/fsvolsnap-0123456789abcdef0")},
     "storage"),
    ("fsx", "update_volume", "fsx", "volume/fs-1/fsvol-{0}",
     {"VolumeId": "fsvol-{0}", "OntapConfiguration": {"JunctionPath": "/gone"}}, "traffic"),
    ("memorydb", "update_user", "memorydb", "user/{0}", {"UserName": "{0}", "AccessString": "off -@all"}, "traffic"),
    ("memorydb", "update_acl", "memorydb", "acl/{0}", {"ACLName": "{0}", "UserNamesToRemove": ["app"]}, "traffic"),
    ("memorydb", "update_cluster", "memorydb", "cluster/{0}", {"ClusterName": "{0}", "ACLName": "x"}, "traffic"),
    ("memorydb", "update_cluster", "memorydb", "cluster/{0}",
     {"ClusterName": "{0}", "SecurityGroupIds": ["sg-1"]}, "network"),
    ("memorydb", "update_cluster", "memorydb", "cluster/{0}",
     {"ClusterName": "{0}", "ReplicaConfiguration": {"ReplicaCount": 0}}, "scale-in"),
    ("opensearch", "update_domain_config", "es", "domain/{0}",
     {"DomainName": "{0}", "AccessPolicies": "{}"}, "traffic"),
    ("opensearch", "revoke_vpc_endpoint_access", "es", "domain/{0}",
     {"DomainName": "{0}", "Account": "111111111111"}, "network"),
    ("es", "update_elasticsearch_domain_config", "es", "domain/{0}",
     {"DomainName": "{0}", "VPCOptions": {"SecurityGroupIds": ["sg-1"]}}, "network"),
    ("apigatewayv2", "update_route", "apigateway", "/apis/{0}",
     {"ApiId": "{0}", "RouteId": "r", "Target": "integrations/x"}, "traffic"),
    ("apigatewayv2", "reimport_api", "apigateway", "/apis/{0}", {"ApiId": "{0}", "Body": "{}"}, "traffic"),
    ("apigatewayv2", "update_api", "apigateway", "/apis/{0}",
     {"ApiId": "{0}", "DisableExecuteApiEndpoint": True}, "traffic"),
    ("apigatewayv2", "update_stage", "apigateway", "/apis/{0}",
     {"ApiId": "{0}", "StageName": "s", "DefaultRouteSettings": {"ThrottlingBurstLimit": 0}}, "traffic"),
    ("apigatewayv2", "put_routing_rule", "apigateway", "/domainnames/{0}",
     {"DomainName": "{0}", "RoutingRuleId": "r", "Priority": 1, "Conditions": [], "Actions": []}, "traffic"),
    ("apigateway", "update_stage", "apigateway", "/restapis/{0}",
     {"restApiId": "{0}", "stageName": "s", "patchOperations": PATCH("/*/*/throttling/rateLimit")}, "traffic"),
    ("apigateway", "update_rest_api", "apigateway", "/restapis/{0}",
     {"restApiId": "{0}", "patchOperations": PATCH("/disableExecuteApiEndpoint", "true")}, "traffic"),
    ("apigateway", "delete_usage_plan_key", "apigateway", "/usageplans/{0}",
     {"usagePlanId": "{0}", "keyId": "k"}, "traffic"),
    ("apigateway", "update_api_key", "apigateway", "/apikeys/{0}",
     {"apiKey": "{0}", "patchOperations": PATCH("/enabled", "false")}, "traffic"),
    ("route53resolver", "update_firewall_rule", "route53resolver", "firewall-rule-group/rslvr-frg-{0}",
     {"FirewallRuleGroupId": "rslvr-frg-{0}", **BLOCK}, "traffic"),
    ("route53resolver", "batch_create_firewall_rule", "route53resolver", "firewall-rule-group/rslvr-frg-{0}",
     {"CreateFirewallRuleEntries": [
         {"FirewallRuleGroupId": "rslvr-frg-{0}", "Priority": 1, "Name": "n", "CreatorRequestId": "c", **BLOCK}]},
     "traffic"),
    ("route53resolver", "update_resolver_rule", "route53resolver", "resolver-rule/rslvr-rr-{0}",
     {"ResolverRuleId": "rslvr-rr-{0}", "Config": {"TargetIps": [{"Ip": "192.0.2.1"}]}}, "network"),
    ("servicediscovery", "update_service", "servicediscovery", "service/srv-{0}",
     {"Id": "srv-{0}", "Service": {"DnsConfig": {"DnsRecords": []}}}, "traffic"),
    ("emr", "set_keep_job_flow_alive_when_no_steps", "elasticmapreduce", "cluster/{0}",
     {"JobFlowIds": ["{0}"], "KeepJobFlowAliveWhenNoSteps": False}, "terminate"),
    ("emr", "modify_instance_groups", "elasticmapreduce", "cluster/{0}",
     {"ClusterId": "{0}", "InstanceGroups": [{"InstanceGroupId": "g", "InstanceCount": 1}]}, "scale-in"),
    ("kafka", "batch_disassociate_scram_secret", "kafka", "cluster/c/{0}",
     {"ClusterArn": "arn", "SecretArnList": ["s"]}, "traffic"),
    ("kafka", "reject_client_vpc_connection", "kafka", "cluster/c/{0}",
     {"ClusterArn": "arn", "VpcConnectionArn": "x"}, "network"),
    ("kafka", "put_cluster_policy", "kafka", "cluster/c/{0}", {"ClusterArn": "arn", "Policy": "{}"}, "network"),
    ("mq", "promote", "mq", "broker:jobs:b-{0}", {"BrokerId": "b-{0}", "Mode": "FAILOVER"}, "stop"),
    ("mq", "update_broker", "mq", "broker:jobs:b-{0}", {"BrokerId": "b-{0}", "SecurityGroups": ["sg-1"]}, "network"),
    ("backup", "disassociate_recovery_point", "backup", "recovery-point:{0}",
     {"BackupVaultName": "Default", "RecoveryPointArn": "arn"}, "storage"),
    ("backup", "delete_backup_vault_lock_configuration", "backup", "backup-vault:{0}",
     {"BackupVaultName": "{0}"}, "protection"),
    ("backup", "update_backup_plan", "backup", "backup-plan:{0}",
     {"BackupPlanId": "{0}", "BackupPlan": {"BackupPlanName": "x", "Rules": []}}, "protection"),
    ("apprunner", "update_service", "apprunner", "service/s/{0}",
     {"ServiceArn": "arn", "NetworkConfiguration": {"EgressConfiguration": {"EgressType": "DEFAULT"}}}, "network"),
    ("stepfunctions", "delete_state_machine_alias", "states", "stateMachine:{0}",
     {"stateMachineAliasArn": arn("states", "stateMachine:{0}:prod")}, "traffic"),
    ("transfer", "update_server", "transfer", "server/s-{0}", {"ServerId": "s-{0}", "Protocols": ["FTP"]}, "traffic"),
    ("dax", "update_cluster", "dax", "cache/{0}", {"ClusterName": "{0}", "SecurityGroupIds": ["sg-1"]}, "network"),
    ("appmesh", "update_virtual_router", "appmesh", "mesh/m/virtualRouter/{0}",
     {"meshName": "m", "virtualRouterName": "{0}", "spec": {}}, "traffic"),
    ("kinesis", "delete_resource_policy", "kinesis", "stream/{0}", {"ResourceARN": "arn"}, "traffic"),
    ("cloudfront", "update_connection_group", "cloudfront", "connection-group/cg_{0}",
     {"Id": "cg_{0}", "IfMatch": "x", "Enabled": False}, "traffic"),
    ("cloudfront", "update_distribution_tenant", "cloudfront", "distribution-tenant/dt_{0}",
     {"Id": "dt_{0}", "IfMatch": "x", "DistributionId": "E1"}, "traffic"),
]  # fmt: skip
IDS = [f"{service}.{method}.{number}" for number, (service, method, *_) in enumerate(CALLS)]


@pytest.mark.cases(40)
@pytest.mark.parametrize(("service", "method", "of", "resource", "params", "effect"), CALLS, ids=IDS)
def test_by_its_tag(service, method, of, resource, params, effect, site, aws):
    """What carries the live cluster's tag stays as it is, what carries the other's or none at all is free."""
    stays(aws, service, method, of, resource, params, effect)


WARNED = [
    ("apigateway", "create_deployment", "apigateway", "/restapis/{0}", {"restApiId": "{0}", "stageName": "s"}),
    ("apigatewayv2", "create_route", "apigateway", "/apis/{0}", {"ApiId": "{0}", "RouteKey": "GET /x"}),
    ("stepfunctions", "update_state_machine_alias", "states", "stateMachine:{0}",
     {"stateMachineAliasArn": arn("states", "stateMachine:{0}:prod"), "routingConfiguration": ROUTES}),
    ("apprunner", "start_deployment", "apprunner", "service/s/{0}", {"ServiceArn": "arn"}),
    ("batch", "update_compute_environment", "batch", "compute-environment/{0}",
     {"computeEnvironment": "{0}", "computeResources": {"maxvCpus": 1}}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "of", "resource", "params"), WARNED, ids=[row[1] for row in WARNED])
def test_what_runs_something_else_from_now_on(service, method, of, resource, params, site, aws, caplog):
    """Another version, route or number of machines for what is live gets a warning; the other cluster's gets none."""
    arns = {cluster: arn(of, resource.format(NAMES[cluster])) for cluster in (LIVE, OTHER)}
    tag(aws, blue=arns[LIVE], green=arns[OTHER])
    for cluster in (LIVE, OTHER):
        caplog.clear()
        assert rest.attempt(aws, service, method, filled(params, NAMES[cluster], arns[cluster])) is None
        assert ("live-cluster/indirect" in caplog.text) == (cluster == LIVE)


def test_addresses_that_a_rule_blocks(site, aws):
    """A list of addresses that rules of the live cluster use stays as it is."""
    ids = {name: f"{digit}1111111-2222-3333-4444-555555555555" for name, digit in ((LIVE, "b"), (OTHER, "c"))}
    tag(aws, **{name: arn("wafv2", f"regional/ipset/{name}/{ids[name]}") for name in ids})
    update = lambda name: rest.attempt(
        aws, "wafv2", "update_ip_set",
        {"Name": name, "Scope": "REGIONAL", "Id": ids[name], "Addresses": [], "LockToken": TOKEN},
    )  # fmt: skip
    assert update(LIVE) == {"live-cluster/traffic", "None"}
    assert update(OTHER) is None

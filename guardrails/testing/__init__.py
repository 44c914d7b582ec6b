"""Test doubles for scripts and policies that use AWS. They need moto: ``pip install botocore-guardrails[demo]``.

    from guardrails.testing import SimulatedAWS

    with SimulatedAWS() as aws:
        blue = aws.start_cluster("blue", 3, addresses=1)
        guard.attach(session := aws.session())
        with pytest.raises(guardrails.CallDenied):
            session.client("ec2").terminate_instances(InstanceIds=list(blue.instance_ids))
        assert aws.count("TerminateInstances") == 0

It is real HTTP: a request that is counted has left the client, and a blocked call has not.
"""

from guardrails.testing.request import Request
from guardrails.testing.simulated import Cluster, SimulatedAWS

__all__ = ["Cluster", "Request", "SimulatedAWS"]

"""REST and CBOR requests are read back completely or not at all, from any client."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intercept.test_wire import SESSION, round_trip

SERVICES = ("cloudwatch", "efs", "eks", "lambda", "route53", "s3", "scheduler")
OPERATIONS = [
    SESSION.get_service_model(service).operation_model(name)
    for service in SERVICES
    for name in SESSION.get_service_model(service).operation_names
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.service_model.service_name}-{o.name}")
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_round_trip(operation, data):
    """Every operation of these services is recognized by its request alone, and its parameters are read back."""
    round_trip(operation, data)

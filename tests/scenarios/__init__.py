"""The public incidents as scenarios that run on simulated AWS, each with an innocent sibling of the fatal call."""

from tests.scenarios import capacity, machines, operations, services
from tests.scenarios.scenario import SCENARIOS

__all__ = ["SCENARIOS", "capacity", "machines", "operations", "services"]

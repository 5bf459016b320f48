"""A gateway for each test."""

from tests.fixtures.gateway import gateway, shop

__all__ = ["gateway", "shop"]

"""A small, correct gateway in memory, with switches that break it in one way each.

It is written from the standard alone and shares nothing with any other gateway: it plays the gateway towards a
channel under certification, and its switches are the wrong gateways that the suite has to catch.
"""

from conformance.mini_gateway.app import MiniGateway

__all__ = ["MiniGateway"]

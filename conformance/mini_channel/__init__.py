"""A small, correct channel in memory, with switches that break it in one way each.

Written from the standard alone; it shares nothing with any other channel. Its switches are the wrong channels that
the suite has to catch, one for each checked requirement (conformance/mutants/channel.py).
"""

from conformance.mini_channel.app import MiniChannel

__all__ = ["MiniChannel"]

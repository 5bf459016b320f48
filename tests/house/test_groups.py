"""Tests that share something costly are run by one worker."""

import os

import pytest


@pytest.mark.xdist_group("alone")
def test_groups_are_in_force(request: pytest.FixtureRequest) -> None:
    """The group is part of the name by which a worker is given a test; without it all is driven several times."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@alone")

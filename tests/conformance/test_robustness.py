"""The section on schema robustness finds what no check looks for, beside the verdict and without a secret."""

from __future__ import annotations

import json
import sys

import jsonschema
import pytest
from aiohttp import web

from conformance import robustness
from conformance.mini_channel import MiniChannel
from conformance.record import parse
from conformance.report import SCHEMA, report
from conformance.runner import Target, judged, run
from tests.conformance.conftest import SECRET


class Broken(MiniChannel):
    """Falls over an intent that has an odd name."""

    async def _get_purchase(self, request: web.Request) -> web.Response:
        if not request.match_info["intent_id"].startswith("intent-"):
            return web.Response(status=500, text="oops")
        return await super()._get_purchase(request)


async def test_a_500_is_found_beside_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a request that shows it again; the scored checks are as they were, and the file has all of it."""
    many = {"receive_event", "test_purchase"}  # most of the requests, which this test can do without
    monkeypatch.setattr(robustness, "LEFT_OUT", robustness.LEFT_OUT | many)
    async with Broken(SECRET) as channel:
        target = Target("channel", channel.url, SECRET)
        result = await run(target, ("SIG-005",), robustness=True, seed=7)
    data = report(result)
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    found = {one["operation"]: one for one in data["robustness"]["operations"]}
    failures = {one["kind"]: one for one in found["test_get_purchase"]["failures"]}
    assert failures["not_a_server_error"]["status"] == 500
    assert failures["not_a_server_error"]["reproduction"].startswith("curl ")
    assert (data["robustness"]["complete"], data["robustness"]["seed"], data["verdict"]) == (
        True,
        7,
        "partial",
    )
    assert (data["robustness"]["cases"] > 50, "error" in data["robustness"]) == (True, False)
    assert not robustness.LEFT_OUT & found.keys()
    assert SECRET not in result.transcript.source
    assert report(judged(parse(result.transcript.source))) == data


async def test_it_can_be_left_uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The section then says what to install."""
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    found = await robustness.probe(Target("channel", "http://127.0.0.1:1", SECRET), "", 1)
    assert "pip install 'vgcp[robustness]'" in found["error"]


async def test_what_the_tool_stumbles_over_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, and nothing is complete."""

    def stumble(*given: object) -> str:
        raise RuntimeError("the tool is broken")

    monkeypatch.setattr(robustness, "_probe", stumble)
    found = await robustness.probe(Target("channel", "http://127.0.0.1:1", SECRET), "", 1)
    assert (found["error"], found["complete"]) == ("RuntimeError: the tool is broken", False)

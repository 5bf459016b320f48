"""`vgcp ownership-log` believes what is proven and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from conformance import following, merkle
from conformance.commands.ownership_log import ownership_log
from conformance.mini_gateway import MiniGateway
from conformance.mini_gateway.ownership_log import write
from conformance.mini_gateway.world import World


def grow(world: World, count: int) -> str:
    """So many changes; the hash of the last leaf."""
    for number in range(count):
        write(world, "issued", f"ent_{number}", "buy_1")
    return merkle.encoded(merkle.leaf_hash(world.log[-1].text.encode()))


async def run(*arguments: str | Path) -> Result:
    """Run the command beside the gateway."""
    return await asyncio.to_thread(CliRunner().invoke, ownership_log, [str(one) for one in arguments])


async def test_an_honest_log_is_followed(tmp_path: Path) -> None:
    """The first look keeps the head, later ones prove that the log grew from it, and entries are found."""
    kept, last = tmp_path / "head.json", ""
    async with MiniGateway() as gateway:
        for count, size in ((3, 3), (4, 7), (0, 7)):
            last = grow(gateway.world, count) if count else last
            answer = await run(gateway.url, "--kept", kept, "--entry", last)
            assert answer.exit_code == 0, answer.output
            assert f"{size} entries, signed by {gateway.url}" in answer.output
            assert f"in place {size - 1}, proven" in answer.output
            assert json.loads(kept.read_text())["tree_size"] == size
        assert "grown from 7 entries, proven" in answer.output


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("log_head_forged", "not signed by a key"),
        ("log_head_stale", "seconds ago"),
        ("log_root_wrong", "no proof"),
        ("log_consistency_wrong", "no proof that the log of 3"),
        ("log_inclusion_wrong", "no proof that the log has the entry"),
    ],
)
async def test_a_lie_is_found(tmp_path: Path, fault: str, said: str) -> None:
    """Whatever is wrong with a log that was followed, the command ends with 1 and keeps the evidence."""
    kept = tmp_path / "head.json"
    async with MiniGateway() as gateway:
        grow(gateway.world, 3)
        assert (await run(gateway.url, "--kept", kept)).exit_code == 0
        before = kept.read_text()
        last = grow(gateway.world, 2)
        gateway.world.fault = fault
        answer = await run(gateway.url, "--kept", kept, "--entry", last)
        assert answer.exit_code == 1
        assert said in answer.output
        assert kept.read_text() == before


async def test_a_head_of_the_future_is_no_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head with a later date could be shown until then, whatever becomes of the log."""
    async with MiniGateway() as gateway:
        monkeypatch.setattr(following, "time", SimpleNamespace(time=lambda: time.time() - 3600))
        answer = await run(gateway.url)
        assert (answer.exit_code, "in the future" in answer.output) == (1, True)


@pytest.mark.parametrize(("left", "said"), [(3, "two trees of 3 entries"), (2, "had 3 entries, and has 2")])
async def test_another_story_is_found(tmp_path: Path, left: int, said: str) -> None:
    """A log that has lost entries, or has others in their place, does not fit the head that was kept."""
    kept = tmp_path / "head.json"
    async with MiniGateway() as gateway:
        grow(gateway.world, 3)
        assert (await run(gateway.url, "--kept", kept)).exit_code == 0
        gateway.world.log.clear()
        grow(gateway.world, left)
        answer = await run(gateway.url, "--kept", kept)
        assert answer.exit_code == 1
        assert said in answer.output


async def test_what_cannot_be_read_is_no_lie(tmp_path: Path) -> None:
    """No gateway, one that answers what nobody reads, and a file that has no head in it, end with 3."""
    assert (await run("http://127.0.0.1:9")).exit_code == 3

    async def deep(request: web.Request) -> web.Response:
        return web.Response(text="[" * 200_000, content_type="application/json")

    app = web.Application()
    app.router.add_get("/.well-known/vgcp", deep)
    async with TestServer(app) as server:
        assert (await run(str(server.make_url("")))).exit_code == 3
    broken = tmp_path / "head.json"
    broken.write_text("{}")
    async with MiniGateway() as gateway:
        assert (await run(gateway.url, "--kept", broken)).exit_code == 3
        nowhere = await run(gateway.url, "--kept", tmp_path / "nowhere" / "head.json")
        assert (nowhere.exit_code, "cannot be written" in nowhere.output) == (3, True)

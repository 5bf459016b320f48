"""The log of ownership over real sockets, on both databases: for everybody, signed, proven."""

from __future__ import annotations

import asyncio
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import KeySet

import spec
from conformance import merkle
from gateway.core import ownership_log
from gateway.core.ports import Books
from gateway.http.jose import own_registry
from tests.fixtures.gateway import Answer, RunningGateway, call
from tests.storage.world import call_of, open_shop


async def ask(gateway: RunningGateway, path: str) -> Answer:
    """A GET without any token."""
    return await call("GET", f"{gateway.api}/ownership-log/{path}")


async def logged(gateway: RunningGateway, count: int) -> list[dict[str, Any]]:
    """So many changes are logged by another process; the entries, once they are merged."""
    async with open_shop(gateway.database) as shop:

        def rule(books: Books) -> None:
            for number in range(count):
                owner = ownership_log.commit_to(number.to_bytes(16), "buy_1")
                ownership_log.append(books, call_of(), f"ent_{number}", ownership_log.ISSUED, owner)

        await shop.store.run(rule)
    for _ in range(100):
        page = (await ask(gateway, "entries")).json
        if len(page["items"]) == count:
            return list(page["items"])
        await asyncio.sleep(0.05)
    raise AssertionError("the entries are not merged")


async def test_the_head_is_signed_and_fresh(gateway: RunningGateway) -> None:
    """The head verifies with the published keys, and says the size, the root over the leaves, and the time."""
    entries = await logged(gateway, 5)
    head = (await ask(gateway, "head")).json
    keys = KeySet.import_key_set((await call("GET", f"{gateway.api}/oauth/jwks")).json)
    assert jws.extract_compact(head["signed_head"].encode()).headers()["typ"] == "vgcp-tree-head+jwt"
    claims = dict(jwt.decode(head["signed_head"], keys, registry=own_registry).claims)
    assert spec.validator("TreeHeadClaims").errors(claims) == []
    leaves = [merkle.leaf_hash(one["leaf"].encode()) for one in entries]
    assert [merkle.encoded(leaf) for leaf in leaves] == [one["leaf_hash"] for one in entries]
    root = merkle.encoded(merkle.root_of(leaves))
    assert (claims["tree_size"], claims["root_hash"]) == (5, root)
    assert (head["tree_size"], head["root_hash"]) == (5, root)


async def test_an_empty_log_has_a_head(gateway: RunningGateway) -> None:
    """Before anything is owned the head is that of the empty tree."""
    head = (await ask(gateway, "head")).json
    assert (head["tree_size"], merkle.decoded(head["root_hash"])) == (0, merkle.root_of([]))
    assert (await ask(gateway, "entries")).json == {"items": [], "has_more": False}


async def test_everybody_gets_proofs(gateway: RunningGateway) -> None:
    """Inclusion and consistency are proven without a token, and may be kept for ever."""
    entries = await logged(gateway, 6)
    leaves = [merkle.leaf_hash(one["leaf"].encode()) for one in entries]
    answer = await ask(gateway, f"inclusion?leaf_hash={entries[4]['leaf_hash']}&tree_size=6")
    assert "max-age=31536000" in answer.headers["cache-control"]
    proof = merkle.hashes(answer.json["hashes"])
    assert merkle.has(leaves[4], answer.json["leaf_index"], 6, proof, merkle.root_of(leaves))
    grown = (await ask(gateway, "consistency?first=3&second=6")).json
    roots = merkle.root_of(leaves[:3]), merkle.root_of(leaves)
    assert merkle.begins(3, 6, *roots, merkle.hashes(grown["hashes"]))


async def test_what_is_not_there_is_not_proven(gateway: RunningGateway) -> None:
    """Another leaf and a larger tree are not found; sizes the wrong way round and no digest are invalid."""
    known = (await logged(gateway, 2))[1]["leaf_hash"]
    other = merkle.encoded(b"\0" * 32)
    for path, code in (
        (f"inclusion?leaf_hash={other}&tree_size=2", "not_found"),
        (f"inclusion?leaf_hash={known}&tree_size=1", "not_found"),
        (f"inclusion?leaf_hash={known}&tree_size=3", "not_found"),
        ("inclusion?leaf_hash=x&tree_size=3", "invalid"),
        ("consistency?first=1&second=3", "not_found"),
        ("consistency?first=2&second=1", "invalid"),
    ):
        assert (await ask(gateway, path)).code == code, path


async def test_entries_come_in_pages(gateway: RunningGateway) -> None:
    """From a place on, as many as are asked for; after the last there are none."""
    await logged(gateway, 5)
    page = (await ask(gateway, "entries?start=1&limit=3")).json
    assert ([one["index"] for one in page["items"]], page["has_more"]) == ([1, 2, 3], True)
    page = (await ask(gateway, "entries?start=4&limit=3")).json
    assert ([one["index"] for one in page["items"]], page["has_more"]) == ([4], False)
    assert (await ask(gateway, "entries?start=9")).json == {"items": [], "has_more": False}


async def test_one_address_may_ask_so_often(gateway: RunningGateway) -> None:
    """Who asks without a token is limited by address, and told how much is left (LIM-001)."""
    first = await ask(gateway, "head")
    assert "q=600" in first.headers["ratelimit-policy"]
    answers = await asyncio.gather(*(ask(gateway, "head") for _ in range(40)))
    left = [int(one.headers["ratelimit"].partition("r=")[2].partition(";")[0]) for one in answers]
    assert min(left) <= 560

"""The buyer's key on its way through the shop: what is taken from a form, kept with the intent and sent."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from conformance import jwe
from reference_channels.trade import intents
from reference_channels.trade.database import Database
from reference_channels.trade.sealing import key_of
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import in_process
from tests.reference_channels.conftest import running_shop

KEY = jwe.new_key()
PUBLIC = jwe.public(KEY)


def test_a_key_is_taken_as_a_browser_exports_it() -> None:
    """Its four public members and nothing else; no key where none was sent."""
    given = {**PUBLIC, "ext": True, "key_ops": []}
    assert key_of({"recipient_key": json.dumps(given)}) == PUBLIC
    assert key_of({}) is None
    assert key_of({"recipient_key": ""}) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        "null",
        pytest.param(json.dumps(KEY), id="private"),
        '{"kty":"oct","k":"AA"}',
        '{"kty":5}',
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    """DLV-036: above all a private key."""
    with pytest.raises(web.HTTPBadRequest):
        key_of({"recipient_key": text})


async def test_a_shop_of_before_gets_the_column(tmp_path: Path) -> None:
    """Its purchases are there, and have no key."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as old:
        old.executescript(intents.SCHEMA.replace(", recipient_key text", ""))
        columns = [row[1] for row in old.execute("pragma table_info(intents)")]
        assert "recipient_key" not in columns
        values = [0 if name in ("quantity", "tries", "reveal") else "0" for name in columns]
        old.execute(f"insert into intents values ({', '.join('?' * len(values))})", values)
    old.close()
    db = Database(path)
    await db.open()
    [found] = await db.run(lambda connection: intents.of_buyer(connection, "0"))
    assert (found.id, found.recipient_key) == ("0", None)
    await db.close()


@pytest.mark.parametrize("seals", [True, False])
async def test_the_key_goes_where_it_is_of_use(tmp_path: Path, sqlite_template: Path, seals: bool) -> None:
    """DLV-034, DLV-035: to a gateway that seals, and what comes back is the JWE; to another one nothing is sent."""
    with in_process(sqlite_database(tmp_path, sqlite_template), sealed_delivery=seals) as gateway:
        async with running_shop(tmp_path / "shop", None, sync_every=3600) as shop:
            client = await gateway.channel("Lumen", channel_url=shop.url)
            names = ("client_id", "client_secret", "webhook_secret")
            connection: dict[str, Any] = {name: getattr(client, name) for name in names}
            await shop.control("POST", "/reset", {"gateway": connection | {"url": gateway.url}})
            offer = await gateway.offer(codes=["SHOP-CODE"])
            await shop.sync()
            bought = await shop.buy(offer, recipient_key=PUBLIC)
            assert bought["outcome"] == "fulfilled", bought
            [shown] = bought["goods_shown"]
            order = (await client.get(f"/orders/{bought['order_id']}")).json
    if seals:
        assert json.loads(jwe.open_sealed(shown, KEY).content)["code"]["value"] == "SHOP-CODE"
        assert order["recipient_key"]["x"] == PUBLIC["x"]
    else:
        assert shown == "SHOP-CODE"
        assert "recipient_key" not in order

"""The merchant's other commands: schema, channels, keys, audit."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.admin import COMMANDS
from gateway.core import clients
from gateway.storage.engine import open_engine
from gateway.storage.keys import new_entry
from tests.admin.conftest import Merchant
from tests.admin.test_import import CATALOGUE, CODES
from tests.storage.world import call_of, open_shop

DISCOVERY = {
    "protocol": "vgcp",
    "role": "channel",
    "name": "Shop",
    "versions": ["1.0"],
    "sandbox": False,
    "capabilities": [{"name": "events", "revision": 1}],
    "profiles": ["core"],
    "endpoints": {"api": "http://127.0.0.1/vgcp/v1", "events": "http://127.0.0.1:9/my/events"},
    "implementation": {"name": "x", "version": "1"},
    "signature_scheme": "rfc9421",
}


@pytest.fixture
def channel_site() -> Iterator[tuple[str, dict[str, object]]]:
    """A channel's origin, and the discovery document that it serves."""
    document = dict(DISCOVERY)

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", document
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_schema_comes_first(newcomer: Merchant) -> None:
    """Without a schema a command says what to run; after that it works, and running it again is harmless."""
    assert "vgcp gateway migrate" in newcomer.run("stock", code=1).stderr
    assert newcomer.json("migrate") == {"migrated": True}
    assert newcomer.json("migrate") == {"migrated": False}
    assert newcomer.json("stock") == []
    assert newcomer.json("orders") == []
    assert "order" in newcomer.run("orders").stdout


def test_a_channel_is_added_by_its_discovery_document(
    merchant: Merchant, channel_site: tuple[str, dict[str, object]]
) -> None:
    """Credentials are shown once; events go where and how the channel says."""
    url, document = channel_site
    made = merchant.json("channel", "add", "My shop", "--url", url, "--scope", "catalog", "--scope", "orders")
    assert made["events_url"] == "http://127.0.0.1:9/my/events"
    assert made["signature_scheme"] == "rfc9421"
    assert made["scopes"] == ["catalog", "orders"]
    listed = merchant.json("channel", "list")
    assert [(row["client_id"], row["name"], row["active"]) for row in listed] == [
        (made["client_id"], "My shop", True)
    ]
    shown = merchant.run("channel", "list").output
    assert made["client_id"] in shown
    assert made["client_secret"] not in shown + json.dumps(listed)
    assert made["webhook_secret"] not in shown + json.dumps(listed)
    document["endpoints"] = {"api": "no url"}
    assert "not valid" in merchant.run("channel", "add", "x", "--url", url, code=2).stderr


def test_a_channel_that_is_not_up_yet(merchant: Merchant) -> None:
    """Its events go where the standard puts them, and the merchant is told; a URL that is none is refused."""
    done = merchant.run("channel", "add", "Later", "--url", "http://127.0.0.1:1")
    assert "does not answer yet" in done.stderr
    assert "http://127.0.0.1:1/vgcp/v1/events" in done.stdout
    assert "must begin with https" in merchant.run("channel", "add", "x", "--url", "shop", code=2).stderr
    assert "no such scope" in merchant.run("channel", "add", "x", "--scope", "everything", code=1).stderr


def test_secrets_rotate_with_an_overlap(merchant: Merchant) -> None:
    """New and old secret are good for a day; an unknown channel is refused."""
    made = merchant.json("channel", "add", "Shop")
    renewed = merchant.json("channel", "rotate", made["client_id"])
    assert renewed["client_secret"] != made["client_secret"]

    async def good(secret: str) -> bool:
        async with open_shop(merchant.database, merchant.ring) as shop:
            row = await shop.store.queries.channel(made["client_id"])
            return clients.verify_secret(row, secret, call_of().now)

    assert asyncio.run(good(made["client_secret"]))
    assert asyncio.run(good(renewed["client_secret"]))
    assert "no such channel" in merchant.run("channel", "rotate", "chn_none", code=1).stderr


def test_an_audit_that_fails_ends_with_one(merchant: Merchant) -> None:
    """Exit code 0 when the books balance; 1 with what is wrong when not."""
    merchant.file("codes.txt", CODES)
    merchant.run("import", merchant.file("catalogue.yaml", CATALOGUE))
    assert "The books balance." in merchant.run("audit").stdout

    async def steal() -> None:
        engine = open_engine(merchant.database)
        async with engine.transaction() as transaction:
            await transaction.run(text("DELETE FROM units WHERE seq = 1"))
            await transaction.commit()
        await engine.close()

    asyncio.run(steal())
    found = merchant.json("audit", code=1)
    assert found["balanced"] is False
    assert [(one["what"], one["expected"], one["found"]) for one in found["discrepancies"]] == [
        ("units available", 3, 2)
    ]
    assert "NOT balance" in merchant.run("audit", code=1).stdout


def test_keys_rotate(merchant: Merchant, tmp_path: Path) -> None:
    """A new key in front in the setting, or added to the file: everything is sealed anew, once."""
    merchant.file("codes.txt", CODES)
    merchant.run("import", merchant.file("catalogue.yaml", CATALOGUE))
    assert "put the new key in front" in merchant.run("keys", "add", code=2).stderr
    assert merchant.json("keys", "rotate")["resealed"] == 0
    merchant.ring = f"{new_entry()},{merchant.ring}"
    assert merchant.json("keys", "rotate")["resealed"] == 3
    path = tmp_path / "keys"
    path.write_text(merchant.ring)
    merchant.ring = ""
    where = ("--key-file", str(path))
    added = merchant.json("keys", "add", *where)["key_id"]
    assert merchant.json("keys", "rotate", *where) == {"resealed": 3, "key_id": added}


def test_without_its_keys_nothing_is_done(merchant: Merchant) -> None:
    """A ring that is no ring, and a database that is none: one line that says so, without key or password."""
    merchant.ring = "k1:tooshort"
    done = merchant.run("channel", "add", "x", code=1)
    assert "vault key 1" in done.stderr
    assert "tooshort" not in done.output
    merchant.database = "postgresql://me:hush@127.0.0.1:1/none"
    refused = merchant.run("stock", code=1)
    assert "postgresql://me@127.0.0.1:1/none" in refused.stderr
    assert "hush" not in refused.output
    merchant.database = "mysql://x"
    assert "sqlite:///PATH" in merchant.run("stock", code=1).stderr


@pytest.mark.parametrize("words", [[one.name or ""] for one in COMMANDS], ids=lambda words: words[0])
def test_every_command_explains_itself(words: list[str], tmp_path: Path) -> None:
    """Help says what it does; commands that do something show an example."""
    help_text = Merchant(f"sqlite:///{tmp_path}/none.db", "", tmp_path).run(*words, "--help").stdout
    assert "Usage:" in help_text
    assert "Example" in help_text or "Commands:" in help_text

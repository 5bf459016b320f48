"""What was sealed to a buyer is nowhere: not in the log, the answers and the events, nor in database and vault key."""

from __future__ import annotations

import asyncio
import base64
import json
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conformance import jwe
from gateway.storage.engine import open_engine
from gateway.storage.tables import metadata
from tests.fixtures.gateway import VAULT_KEYS, Answer, RunningGateway, order_of
from tests.gateway_process.test_no_leak import dump, receiving

CODES = [f"SEALCHECK-{number:04d}-QWERTY" for number in range(6)]
MARK = b"SEALCHECK"
KEY = jwe.new_key()
SOLD = 4


async def binaries(database: str) -> tuple[list[bytes], set[str]]:
    """Every binary value of every table, and every text, as one who has the dump would try them."""
    engine = open_engine(database)
    boxes: list[bytes] = []
    words: set[str] = set()
    try:
        for table in metadata.sorted_tables:
            for row in await engine.scan(table.select()):
                boxes += [bytes(value) for value in row if isinstance(value, bytes | memoryview)]
                words |= {value for value in row if isinstance(value, str)}
    finally:
        await engine.close()
    return boxes, words


def openable(boxes: list[bytes], words: set[str]) -> list[bytes]:
    """What the vault's key opens, whatever text of the database was authenticated with it."""
    cipher = AESGCM(base64.b64decode(VAULT_KEYS.partition(":")[2]))
    found = []
    for box in boxes:
        for word in words:
            try:
                found.append(cipher.decrypt(box[:12], box[12:], word.encode()))
            except (InvalidTag, ValueError):
                continue
    return found


async def test_nobody_but_the_buyer_opens_what_is_sealed(process: RunningGateway) -> None:
    """Sold, opened, replaced and replayed; then all is searched, and all is tried with the vault's key."""
    said: list[Answer] = []
    async with receiving() as receiver:
        shop = await process.channel("shop", channel_url=receiver.url)
        offer = await process.offer(codes=CODES)
        for number in range(SOLD - 1):
            body = order_of(offer, recipient_key=jwe.public(KEY))
            for _ in range(2):
                said.append(order := await shop.post("/orders", body, key=f"k{number}"))
            said.append(listed := await shop.get(f"/orders/{order.json['id']}/deliveries"))
            path = f"/deliveries/{listed.json['items'][0]['id']}/reveal"
            said += [await shop.post(path, key=f"open{number}") for _ in range(2)]
        wish = {"delivery_id": listed.json["items"][0]["id"], "reason": "dead"}
        made = await shop.post(f"/orders/{order.json['id']}/replacements", wish)
        said += [made, await shop.post(f"/deliveries/{made.json['delivery']['id']}/reveal")]
        said += [await shop.get("/events", params={"limit": 500})]
        for _ in range(200):
            if receiver.types.count("delivery.ready") >= SOLD:
                break
            await asyncio.sleep(0.05)
    assert all(200 <= answer.status < 300 for answer in said), [(one.status, one.body) for one in said]
    last = json.loads(jwe.open_sealed(said[-2].json["goods"]["sealed"]["jwe"], KEY).content)
    assert last == {"kind": "code", "code": {"value": CODES[SOLD - 1]}}
    assert receiver.types.count("delivery.ready") == SOLD
    assert process.process is not None
    process.process.terminate()
    assert process.process.wait(15) == 0
    assert process.log_path is not None
    heard = b"".join([receiver.bytes, process.log_path.read_bytes(), *(answer.body for answer in said)])
    assert re.search(b"create_order", heard)
    assert MARK not in heard + await dump(process.database)
    opened = openable(*await binaries(process.database))
    # what is still for sale is open to whoever has both, and shows that the search finds what there is to find
    assert {code for code in opened if code.startswith(MARK)} == {code.encode() for code in CODES[SOLD:]}
    assert not [clear for clear in opened for code in CODES[:SOLD] if code.encode() in clear]

"""spec/text/delivery.md, sealed delivery: over the rules and both databases, opened by another library than sealed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import spec
from conformance import jwe
from gateway.core import sealing
from gateway.core.errors import ProtocolError
from gateway.core.model import Delivery, Idempotency, Reveal, Row, Unit
from gateway.storage.tables import TABLES
from gateway.storage.vault import AesVault, VaultError
from tests.core.world import World, line, refused

Json = dict[str, Any]
KEY = jwe.new_key()
PUBLIC = jwe.public(KEY)
OTHER = jwe.public(jwe.new_key())


def opened(revealed: Json, key: Json = KEY) -> Json:
    """The Goods in a sealed answer, which names its order and delivery and shows nothing else of them."""
    assert spec.validator("RevealedDelivery").errors(revealed) == []
    assert revealed["goods"].keys() == {"kind", "sealed"}
    found = jwe.open_sealed(revealed["goods"]["sealed"]["jwe"], key)
    delivery = revealed["delivery"]
    assert found.header["kid"] == delivery["sealed_to"] == jwe.thumbprint(key)
    named = (found.header["vgcp_order_id"], found.header["vgcp_delivery_id"])
    assert named == (delivery["order_id"], delivery["id"])
    goods: Json = json.loads(found.content)
    assert spec.validator("Goods").errors(goods) == []
    assert goods["kind"] == revealed["goods"]["kind"]
    return goods


async def open_by_vault(world: World) -> list[bytes]:
    """All that whoever has the database and the vault's key can open: every binary value, for every id there is."""
    rows: list[Row] = [row for kind in TABLES for row in await world.rows(kind)]
    names = [str(getattr(row, part)) for row in rows for part in row.KEY]
    names += [f"idempotency:{r.channel_id}:{r.operation}:{r.key}" for r in rows if isinstance(r, Idempotency)]
    values = [value for row in rows for part in row.__slots__ if (value := getattr(row, part)) is not None]
    assert isinstance(world.vault, AesVault)
    found = []
    for value in values:
        for name in names if isinstance(value, bytes) else ():
            try:
                found.append(world.vault.open(value, world.vault.current_key_id, name))
            except VaultError:
                continue
    return found


async def test_a_sealed_code_is_its_buyers_alone(world: World) -> None:
    """DLV-020 to DLV-024, DLV-032: the buyer's key opens it, and the whole database with the vault's key does not."""
    channel, offer = await world.channel(), await world.offer(codes=["SECRET-1 äß", "SECRET-2", "SECRET-3"])
    assert b"SECRET-2" in await open_by_vault(world)
    order = await world.order(channel, line(offer, 2), recipient_key=PUBLIC)
    assert order.recipient_key == {**PUBLIC, "alg": "ECDH-ES", "kid": jwe.thumbprint(KEY)}
    goods = [opened(await world.reveal(channel, row.id)) for row in await world.rows(Delivery)]
    assert goods == [{"kind": "code", "code": {"value": code}} for code in ("SECRET-1 äß", "SECRET-2")]
    left = await open_by_vault(world)
    assert b"SECRET-3" in left
    assert not [clear for clear in left if b"SECRET-1" in clear or b"SECRET-2" in clear]
    assert "SECRET" not in repr([await world.rows(kind) for kind in TABLES])
    await world.stock(offer)


async def test_what_is_emptied_is_still_known(world: World) -> None:
    """INV-015: a code that went out sealed is found as a duplicate; nothing else of its unit is left."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    await world.order(channel, line(offer), recipient_key=PUBLIC)
    units = await world.rows(Unit)
    assert sorted((unit.state, unit.sealed is None, unit.key_id is None) for unit in units) == [
        ("available", False, False),
        ("sold", True, True),
    ]
    await refused("duplicate_code", world.update(offer, add_codes=["A"]))
    await refused("duplicate_code", world.offer(codes=["A"]))


async def test_sealed_openings_are_counted_as_others(world: World) -> None:
    """DLV-033, DLV-004: the same JWE each time, counted, with a row in the audit for each."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    await world.order(channel, line(offer), recipient_key=PUBLIC)
    [ready] = await world.rows(Delivery)
    answers = [await world.reveal(channel, ready.id) for _ in range(2)]
    assert answers[0]["goods"] == answers[1]["goods"]
    assert [one["delivery"]["reveal_count"] for one in answers] == [1, 2]
    assert len(await world.rows(Reveal)) == 2


async def test_a_licence_is_sealed_when_it_is_made(world: World) -> None:
    """What has no pool never was in the vault; a licence from a pool leaves it."""
    channel, made = await world.channel(), await world.offer(delivery_kind="licence")
    pool = await world.offer(delivery_kind="licence", codes=["L-1"])
    await world.order(channel, line(made), line(pool), recipient_key=PUBLIC)
    keys = [
        opened(await world.reveal(channel, row.id))["licence"]["key"] for row in await world.rows(Delivery)
    ]
    assert "L-1" in keys
    cleared = await open_by_vault(world)
    assert not [key for key in keys if key.encode() in cleared]


async def test_a_link_is_made_and_sealed_at_each_opening(world: World) -> None:
    """DLV-011 holds for sealed downloads: an hour later there is a fresh link, for the same key."""
    channel = await world.channel()
    offer = await world.offer(delivery_kind="download", download_url="https://files.example/a.zip")
    await world.order(channel, line(offer), recipient_key=PUBLIC)
    [row] = await world.rows(Delivery)
    first = opened(await world.reveal(channel, row.id))["download"]
    world.advance(3600)
    second = opened(await world.reveal(channel, row.id))["download"]
    assert first["url"] != second["url"]
    assert first["expires_at"] < second["expires_at"]


async def test_the_other_algorithm_is_the_keys_choice(world: World) -> None:
    """DLV-021: a key that names ECDH-ES+A256KW is sealed to by it; one that no key opens but its own."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    await world.order(channel, line(offer), recipient_key={**PUBLIC, "alg": "ECDH-ES+A256KW", "use": "enc"})
    [row] = await world.rows(Delivery)
    revealed = await world.reveal(channel, row.id)
    assert opened(revealed)["code"]["value"] == "A"
    compact = revealed["goods"]["sealed"]["jwe"]
    assert jwe.header_of(compact)["alg"] == "ECDH-ES+A256KW"
    with pytest.raises(jwe.JweError):
        jwe.open_sealed(compact, jwe.new_key())
    head, *rest = compact.split(".")
    changed = jwe.encode(jwe.decode(head).replace(b"vgcp_order_id", b"vgcp_order_no"))
    with pytest.raises(jwe.JweError, match="does not open"):
        jwe.open_sealed(".".join([changed, *rest]), KEY)


async def test_a_replacement_is_sealed_to_the_same_key(world: World) -> None:
    """DLV-029, ORD-032: the new code is for the same buyer; the old one is closed, and never for sale again."""
    channel, offer = await world.channel(), await world.offer(codes=["DEAD", "GOOD"])
    order = await world.order(channel, line(offer), recipient_key=PUBLIC)
    [old] = await world.rows(Delivery)
    await world.reveal(channel, old.id)
    _, new = await world.replace(channel, order, old.id)
    assert opened(await world.reveal(channel, new.id)) == {"kind": "code", "code": {"value": "GOOD"}}
    await refused("delivery_voided", world.reveal(channel, old.id))
    assert [clear for clear in await open_by_vault(world) if clear in (b"DEAD", b"GOOD")] == []
    books = await world.stock(offer)
    assert (books.available, books.sold, books.voided) == (0, 1, 1)


async def test_money_that_comes_later_buys_sealed_goods(world: World) -> None:
    """DLV-030, ORD-013, ORD-035: paid in time and paid late, both are for the key of the order."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    for late in (False, True):
        order = await world.pending(channel, line(offer), recipient_key=PUBLIC)
        assert not [row for row in await world.rows(Delivery) if row.order_id == order.id]
        world.advance(7200 if late else 1)
        await world.confirm(channel, order)
        [row] = [row for row in await world.rows(Delivery) if row.order_id == order.id]
        assert opened(await world.reveal(channel, row.id))["code"]["value"] in ("A", "B")
    assert not {b"A", b"B"} & set(await open_by_vault(world))


async def test_a_sealed_order_is_refunded_as_others(world: World) -> None:
    """ORD-025 to ORD-027: part of it and then the rest; the books balance, and nothing opens any more."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B", "C"])
    order = await world.order(channel, line(offer, 2), recipient_key=PUBLIC)
    order = await world.refund(channel, order, (order.lines[0]["id"], 1))
    assert (order.status, order.refunds[0]["amount"]["amount"]) == ("partially_refunded", 1000)
    order = await world.refund(channel, order)
    assert order.status == "refunded"
    for row in await world.rows(Delivery):
        await refused("delivery_voided", world.reveal(channel, row.id))
    books = await world.stock(offer)
    assert (books.available, books.sold, books.voided) == (1, 0, 2)


P384 = jwe.public(jwe.new_key(ec.SECP384R1()))
BAD: list[tuple[Json, str]] = [
    (KEY, "d"),
    ({"kty": "oct", "k": "c2VjcmV0"}, "k"),
    ({**PUBLIC, "d": None}, "d"),
    ({"kty": "RSA", "n": "AQAB" * 400, "e": "AQAB"}, "kty"),
    ({"kty": "RSA", "n": "AQAB", "e": "AQAB", "qi": "AQ"}, "qi"),
    ({"kty": "OKP", "crv": "X25519", "x": PUBLIC["x"]}, "kty"),
    (P384, "crv"),
    ({**P384, "crv": "P-256"}, "x"),
    ({"kty": "EC", "x": PUBLIC["x"], "y": PUBLIC["y"]}, "crv"),
    ({**PUBLIC, "y": OTHER["y"]}, "x"),
    ({**PUBLIC, "x": "A" * 43, "y": "A" * 43}, "x"),
    ({**PUBLIC, "x": PUBLIC["x"] + "="}, "x"),
    ({**PUBLIC, "x": PUBLIC["x"][:-1]}, "x"),
    ({**PUBLIC, "y": "äö" * 20}, "y"),
    ({name: value for name, value in PUBLIC.items() if name != "y"}, "y"),
    ({**PUBLIC, "alg": "RSA-OAEP-256"}, "alg"),
    ({**PUBLIC, "alg": "dir"}, "alg"),
    ({**PUBLIC, "use": "sig"}, "use"),
    ({**PUBLIC, "key_ops": ["deriveKey", "sign"]}, "key_ops"),
]


@pytest.mark.parametrize(("key", "member"), BAD)
def test_a_bad_key_is_refused_naming_the_member(key: Json, member: str) -> None:
    """DLV-025 to DLV-027: with pointer and reason, and without the value."""
    with pytest.raises(ProtocolError) as caught:
        sealing.accept(key)
    assert caught.value.code == "recipient_key_invalid"
    assert [one.pointer for one in caught.value.errors] == [f"/recipient_key/{member}"]
    assert str(key.get(member) or "nothing") not in caught.value.detail


def test_what_a_browser_exports_is_taken() -> None:
    """Other members are not kept, and `kid` is the thumbprint whatever the buyer calls the key."""
    given = {**PUBLIC, "ext": True, "key_ops": [], "kid": "mine", "x5u": "https://elsewhere.example"}
    assert sealing.accept(given) == {**PUBLIC, "alg": "ECDH-ES", "kid": jwe.thumbprint(KEY)}
    assert sealing.accept(None) is None
    with pytest.raises(ProtocolError) as caught:
        sealing.accept(PUBLIC, offered=False)
    assert caught.value.code == "sealing_not_supported"


def test_the_suites_own_opening_is_right() -> None:
    """RFC 7518 appendix C: the key that Alice and Bob agree on; and the standard's example opens with Bob's key."""
    bob = {
        "kty": "EC",
        "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    }
    epk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    }
    header = {"apu": "QWxpY2U", "apv": "Qm9i"}
    assert jwe.encode(jwe.derive(bob, epk, "A128GCM", 16, header)) == "VqqN6vgjbSBcIijNcacQGg"
    folder = spec.loader.FOLDER / "examples"
    shown = json.loads((folder / "RevealedDelivery" / "sealed.json").read_text("utf-8"))
    assert opened(shown, bob) == json.loads((folder / "Goods" / "code.json").read_text("utf-8"))
    browser = json.loads((folder / "RecipientKey" / "as_a_browser_exports_it.json").read_text("utf-8"))
    kept = json.loads((folder / "RecipientKey" / "as_the_gateway_shows_it.json").read_text("utf-8"))
    assert sealing.accept(browser) == kept

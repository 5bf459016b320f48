"""Stories of ownership: what is bought is owned, proven, used up, taken back, and ends."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from conformance import sd_jwt, timing
from conformance.driver.gateway_client import GatewaySession, settled
from conformance.driver.shop import Json, Shop, buyer, word
from conformance.model import AbortedError, scenario
from conformance.transcript import Exchange

story = partial(scenario, role="gateway", capability="ownership")
DAY = 86_400
PRODUCT = "product_name"


async def buy(
    shop: Shop, label: str, who: Json | None = None, quantity: int = 1, **wish: Any
) -> tuple[Json, list[str]]:
    """An order and the ids of what is owned by it; `wish` is for the offer."""
    offer = await shop.offer(f"offer {label}", **wish)
    order = await shop.must("create_order", f"order {label}", body=shop.ordering(offer, quantity, who))
    found = await shop.deliveries(order, f"deliveries {label}")
    return order, [str(one.get("entitlement_id", "none")) for one in found]


async def look(shop: Shop, label: str, owned: str) -> Exchange:
    """The entitlement, as this channel sees it."""
    return await shop.do("get_entitlement", label, path={"entitlement_id": owned})


async def certify(shop: Shop, label: str, owned: str, **body: Any) -> str:
    """A certificate; "" when there is none."""
    seen = await shop.do("issue_certificate", label, path={"entitlement_id": owned}, body=body)
    return str(seen.answer.get("certificate") or "")


async def status(shop: Shop, label: str, certificate: str) -> None:
    """Read the list that a certificate names."""
    try:
        uri = sd_jwt.parsed(certificate).payload["status"]["status_list"]["uri"]
    except (sd_jwt.UnreadableError, KeyError, TypeError) as error:
        raise AbortedError("the certificate names no status list") from error
    listed = str(uri).rpartition("/")[2]
    await shop.do("get_status_list", label, token="", path={"list_id": listed})


async def verify(shop: Shop, label: str, certificate: str, **asked: str) -> None:
    """Ask the gateway whether it holds."""
    await shop.do("verify_certificate", label, body={"certificate": certificate, **asked})


def keeping(certificate: str, *names: str) -> str:
    """What the holder shows when she discloses only these."""
    try:
        shown = sd_jwt.parsed(certificate)
    except sd_jwt.UnreadableError:
        return certificate
    kept = [one.text for one in shown.disclosures if one.name in names]
    return "~".join([shown.jwt, *kept, ""])


def tampered(certificate: str) -> str:
    """With a disclosure that is not the certificate's."""
    made = json.dumps(["c2FsdHNhbHRzYWx0c2FsdA", PRODUCT, "Something dearer"]).encode()
    return keeping(certificate) + sd_jwt.encoded(made) + "~"


@story("owning")
async def owning(s: GatewaySession) -> None:
    """Two units of one buyer's, another order of hers, and a stranger who asks for them."""
    shop, other, who = await s.shop(), await s.shop("stranger"), buyer()
    _, owned = await buy(shop, "of two", who, 2)
    one = await look(shop, "entitlement", owned[0])
    her = {"buyer_id": str(one.answer.get("buyer_id", "none"))}
    _, later = await buy(shop, "later", who)
    s.transcript.note("owned", [*owned, *later])
    await shop.pages("list_entitlements", "owned", 2, path=her)
    await look(other, "stranger's look", owned[0])
    await look(other, "look at nothing", "ent_none")
    await other.do("list_entitlements", "stranger's list", path=her)
    at = {"entitlement_id": owned[0]}
    await shop.do("consume_entitlement", "consume", path=at, body={"reason": "redeemed"})
    await shop.do("consume_entitlement", "consume again", path=at, body={"reason": "redeemed"})
    await look(shop, "consumed", owned[0])
    await shop.pages("list_ownership_changes", "history", 100, path=at)


@story("after_owning")
async def after_owning(s: GatewaySession) -> None:
    """One is refunded, one disputed for a while, one replaced; each has a certificate, whose status is read."""
    listener = await s.callback("standard_webhooks")
    shop = await s.shop(callback=listener)
    await shop.do("get_jwks", "keys", token="")
    order, (refunded,) = await buy(shop, "to refund")
    proof = await certify(shop, "certificate to refund", refunded)
    await status(shop, "list before", proof)
    at = {"order_id": str(order.get("id"))}
    await shop.do("create_refund", "refund", path=at, body={"reason": "other"})
    await look(shop, "refunded", refunded)
    await status(shop, "list after refund", proof)
    await verify(shop, "verify refunded", proof)
    await look(shop, "refunded still", refunded)
    order, (disputed,) = await buy(shop, "to dispute")
    proof = await certify(shop, "certificate to dispute", disputed)
    at = {"order_id": str(order.get("id"))}
    await shop.do("create_dispute", "dispute", path=at, body={"reason": "chargeback"})
    await look(shop, "disputed", disputed)
    await status(shop, "list after dispute", proof)
    await s.control("test_dismiss_dispute", "dismissal", path=at)
    await look(shop, "dismissed", disputed)
    await status(shop, "list after dismissal", proof)
    order, (replaced,) = await buy(shop, "to replace", codes=s.codes(2))
    before = (await look(shop, "before replacement", replaced)).answer.get("delivery_id")
    wish = {"delivery_id": str(before), "reason": "It does not work"}
    at = {"order_id": str(order.get("id"))}
    await shop.do("create_replacement", "replacement", path=at, body=wish)
    await look(shop, "after replacement", replaced)
    told = ("entitlement.revoked", "entitlement.updated")
    await settled(lambda: all(listener.events(kind) for kind in told), timing.EVENT_PATIENCE)


@story("certifying")
async def certifying(s: GatewaySession) -> None:
    """Two buyers' certificates, shown in whole, in part, and tampered with; one is used up."""
    shop, who = await s.shop(), buyer()
    await shop.do("get_jwks", "keys", token="")
    codes = s.codes(2)
    _, (owned,) = await buy(shop, "to prove", who, codes=codes)
    s.transcript.note("names", [who["reference"], *codes])
    await look(shop, "entitlement", owned)
    proof = await certify(shop, "certificate", owned)
    await certify(shop, "certificate again", owned)
    _, (another,) = await buy(shop, "of another")
    await certify(shop, "certificate of another", another)
    await status(shop, "list", proof)
    await verify(shop, "verify", proof)
    await verify(shop, "verify part", keeping(proof, PRODUCT))
    await verify(shop, "verify tampered", tampered(proof))
    await shop.do("consume_entitlement", "consume", path={"entitlement_id": owned}, body={})
    await certify(shop, "certificate of consumed", owned)
    await status(shop, "list after", proof)
    await verify(shop, "verify consumed", proof)


@story("binding")
async def binding(s: GatewaySession) -> None:
    """A certificate for a holder's key, shown with her proof, with another's, and without; and keys that are none."""
    shop = await s.shop()
    await shop.do("get_jwks", "keys", token="")
    _, (owned,) = await buy(shop, "to bind")
    key, stranger = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    public = {name: str(key.as_dict(private=False)[name]) for name in ("kty", "crv", "x")}
    s.transcript.note("key", public)
    proof = await certify(shop, "bound certificate", owned, holder_key=public)
    bad: dict[str, Json] = {
        "RSA": {**public, "kty": "RSA"},
        "X25519": {**public, "crv": "X25519"},
        "private": {**public, "d": "AAAA"},
    }
    for name, one in bad.items():
        await certify(shop, f"{name} key", owned, holder_key=one)
    nonce, venue = word("nonce"), "https://venue.example"
    now = (await s.now()).timestamp()
    asked = {"nonce": nonce, "audience": venue}
    shown = keeping(proof, PRODUCT)
    await verify(shop, "verify bound", _bound(shown, key, now, nonce, venue), **asked)
    await verify(shop, "verify stranger", _bound(shown, stranger, now, nonce, venue), **asked)
    await verify(shop, "verify other nonce", _bound(shown, key, now, word("nonce"), venue), **asked)
    await verify(shop, "verify unbound", shown, **asked)


def _bound(shown: str, key: OKPKey, now: float, nonce: str, audience: str) -> str:
    """The presentation with a key binding JWT."""
    claims = {"iat": int(now), "aud": audience, "nonce": nonce, "sd_hash": sd_jwt.digest(shown)}
    header = {"alg": "Ed25519", "typ": sd_jwt.BINDING}
    return shown + jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["Ed25519"])


@story("owning_ends", phase=42, clock=True)
async def owning_ends(s: GatewaySession) -> None:
    """What is owned for a day, two days later; and an offer to hand on that nobody took."""
    shop = await s.shop()
    _, (timed,) = await buy(shop, "for a day", valid_days=1)
    _, (offered,) = await buy(shop, "to offer")
    at = {"entitlement_id": offered}
    made = await shop.do("create_transfer", "short offer", path=at, body={"expires_in": 60})
    code = str(made.answer.get("code") or "none")
    if made.status == 201:
        s.transcript.secret(code)
    await look(shop, "before", timed)
    await s.advance(2 * DAY)
    shop.token = await s.token(shop, "new token")
    await look(shop, "after", timed)
    await look(shop, "offered after", offered)
    await shop.do("decline_transfer", "late answer", body={"code": code})
    made = await shop.do("create_transfer", "another offer", path=at, body={"expires_in": 60})
    if made.status == 201:
        s.transcript.secret(str(made.answer.get("code")))
    await shop.do("decline_transfer", "timely answer", body={"code": str(made.answer.get("code"))})


@story("keys_renewed", phase=43, clock=True)
async def keys_renewed(s: GatewaySession) -> None:
    """A new key signs, and the old one has signed a certificate that is good until a minute after the end."""
    shop = await s.shop()
    _, (owned,) = await buy(shop, "to prove for long")
    proof = await certify(shop, "certificate by the old key", owned)
    await s.control("test_renew_keys", "new key")
    now = await s.advance(600, "once everybody can know it")
    shop.token = await s.token(shop, "new token")
    await certify(shop, "certificate by the new key", owned)
    await shop.do("get_jwks", "keys soon", token="")
    try:
        ends = int(sd_jwt.parsed(proof).payload["exp"])
    except (sd_jwt.UnreadableError, KeyError, TypeError, ValueError) as error:
        raise AbortedError("the certificate has no end") from error
    await s.advance(max(0, min(ends - int(now.timestamp()) - 60, 365 * DAY)), "a minute before it ends")
    await shop.do("get_jwks", "keys late", token="")

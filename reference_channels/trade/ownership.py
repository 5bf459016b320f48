"""What a buyer owns, from whichever channel, and handing it on (BUY-016 to BUY-023). Nothing is kept here, so what is
shown is what the gateway says now; certificates and codes go through to their buyer and nowhere else."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Collection

from reference_channels.kit.client import every
from reference_channels.kit.errors import Json
from reference_channels.trade.buyers import Known, known, new_key
from reference_channels.trade.reveal import Shown, open_delivery
from reference_channels.trade.settings import Trade

# What a certificate can show, in parts that a person understands, and whether it does so at first.
PARTS = {
    "product": (("product_name", "product_id", "product_kind"), True),
    "date": (("acquired_at",), False),
    "channel": (("channel",), False),
    "price": (("price",), False),
    "number": (("entitlement_id", "order_id"), False),
}
# What of a holder's key is sent (RFC 7517), by its kind and curve.
KEYS = {("EC", "P-256"): ("x", "y"), ("OKP", "Ed25519"): ("x",)}
# Anywhere in the text, also where it is cut off or a set of keys.
PRIVATE = re.compile(r'"(d|p|q|dp|dq|qi|oth|k)"\s*:|PRIVATE KEY')
COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url
LONGEST_KEY = 4096  # characters that are looked at


class NotHersError(Exception):
    """The entitlement is not among what the gateway gives for the buyer (BUY-019)."""


class KeyRefusedError(Exception):
    """No certificate can be bound to what she gave for a key. `reason` is a word for why, and repeats nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def goods(trade: Trade, reference: str) -> list[Json]:
    """All that is hers (Entitlements), the newest first."""
    return await _goods(await known(trade, reference, "ownership"))


async def _goods(buyer: Known) -> list[Json]:
    return await every(lambda cursor: buyer.client.list_entitlements(buyer.id, cursor))


async def good(trade: Trade, reference: str, entitlement_id: str) -> Json:
    """One of them. Raises NotHersError."""
    return (await _hers(trade, reference, entitlement_id))[1]


async def _hers(trade: Trade, reference: str, entitlement_id: str) -> tuple[Known, Json]:
    """The buyer and her entitlement; whether it is hers is asked anew each time, as it may have been handed on."""
    buyer = await known(trade, reference, "ownership")
    found = [each for each in await _goods(buyer) if each["id"] == entitlement_id]
    if not found:
        raise NotHersError
    return buyer, found[0]


async def history(trade: Trade, reference: str, entitlement_id: str) -> list[Json]:
    """What became of it, the oldest first."""
    buyer, entitlement = await _hers(trade, reference, entitlement_id)
    return await every(lambda cursor: buyer.client.list_ownership_changes(entitlement["id"], cursor))


async def opened(trade: Trade, reference: str, entitlement_id: str) -> Shown | None:
    """The good itself, for who owns it now; None where the gateway names no delivery of it to this channel."""
    buyer, entitlement = await _hers(trade, reference, entitlement_id)
    delivery = entitlement.get("delivery_id")
    return await open_delivery(buyer.client, delivery) if delivery else None


async def certificate(
    trade: Trade, reference: str, entitlement_id: str, holder_key: Json | None = None
) -> Json:
    """A proof of ownership (Certificate), bound to a key of hers when she gave one."""
    buyer, entitlement = await _hers(trade, reference, entitlement_id)
    return await buyer.client.issue_certificate(entitlement["id"], new_key(), holder_key)


def holder_key(text: str) -> Json | None:
    """The key that she pasted, its public members only; None when there is none. Raises KeyRefusedError.

    A private key is refused and goes nowhere. Whether the point is on its curve, the gateway says.
    """
    if not text.strip():
        return None
    if PRIVATE.search(text):
        raise KeyRefusedError("holder_key_private")
    try:
        given = json.loads(text) if len(text) <= LONGEST_KEY else None
    except (ValueError, RecursionError) as error:
        raise KeyRefusedError("holder_key_unreadable") from error
    if not isinstance(given, dict):
        raise KeyRefusedError("holder_key_unreadable")
    kind = (str(given.get("kty")), str(given.get("crv")))
    if kind not in KEYS:
        raise KeyRefusedError("holder_key_kind")
    numbers = {name: given.get(name) for name in KEYS[kind]}
    if not all(isinstance(each, str) and COORDINATE.fullmatch(each) for each in numbers.values()):
        raise KeyRefusedError("holder_key_invalid")
    return {"kty": kind[0], "crv": kind[1], **numbers}


async def offer(trade: Trade, reference: str, entitlement_id: str) -> Json:
    """Offer to hand it on (Transfer, with the code to show her)."""
    buyer, entitlement = await _hers(trade, reference, entitlement_id)
    return await buyer.client.create_transfer(entitlement["id"], new_key())


async def take_back(trade: Trade, reference: str, entitlement_id: str) -> Json | None:
    """End her open offer (Transfer); None when there is none."""
    buyer, entitlement = await _hers(trade, reference, entitlement_id)
    transfer = entitlement.get("transfer")
    return await buyer.client.cancel_transfer(transfer["id"]) if transfer else None


async def accept(trade: Trade, reference: str, code: str) -> Json:
    """Take what somebody hands on to her, by the code that she typed (Entitlement, hers now)."""
    buyer = await known(trade, reference, "ownership")
    return await buyer.client.accept_transfer(buyer.id, code.strip(), new_key())


def keeping_back(certificate: str, shown: Collection[str]) -> str:
    """The certificate with those of its disclosures only whose claims are to be shown (RFC 9901): each stands
    between two tildes, and can be left out without the others being touched (BUY-018)."""
    signed, *disclosures, end = certificate.split("~")
    return "~".join([signed, *(each for each in disclosures if claim(each) in shown), end])


def claim(disclosure: str) -> str:
    """The name of the claim that a disclosure discloses."""
    raw = base64.urlsafe_b64decode(disclosure + "=" * (-len(disclosure) % 4))
    return str(json.loads(raw)[1])


def file_name(product: str) -> str:
    """A name for the file that every system takes."""
    plain = unicodedata.normalize("NFKD", product).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
    return f"ownership-{words}.sd-jwt" if words else "ownership.sd-jwt"

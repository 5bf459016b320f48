"""Test control: what certification drives in a sandbox (spec/text/testing.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.core import catalog, clients, stock
from gateway.core.errors import missing, refuse
from gateway.core.model import Call, Channel, Json, Offer, Stock
from gateway.core.ports import Books, Vault

CATEGORIES = {"code": "game_key"}  # other kinds are their own
SUPPLIER = "sandbox."  # before the name of what the sandbox's supplier does


@dataclass(frozen=True, slots=True)
class TestOffer:
    """A TestOfferRequest: `codes` fill a pool, `quantity` a counted stock, neither and `supplier` mean unlimited."""

    __test__ = False  # pytest would take the name for a test's

    product_name: str
    price: Json
    delivery_kind: str
    codes: tuple[str, ...] | None = None
    quantity: int | None = None
    download_url: str | None = None
    restrictions: Json | None = None
    buyer_input: Json | None = None
    client_id: str | None = None
    safety_stock: int = 0
    consistency: str = "strict"
    supplier: str | None = None
    ownership: Json | None = None  # `transferable` and `valid_days` of the product

    @classmethod
    def from_wire(cls, body: Json) -> TestOffer:
        """From a valid TestOfferRequest."""
        codes, quantity = body.get("codes"), body.get("quantity")
        optional = {
            name: body.get(name) for name in ("download_url", "restrictions", "buyer_input", "client_id")
        }
        return cls(
            body["product_name"],
            body["price"],
            body["delivery_kind"],
            None if codes is None else tuple(codes),
            None if quantity is None else int(quantity),
            **optional,
            safety_stock=int(body.get("safety_stock", 0)),
            consistency=body.get("consistency", "strict"),
            supplier=SUPPLIER + body["on_demand"]["supplier"] if "on_demand" in body else None,
            ownership={name: body[name] for name in ("transferable", "valid_days") if name in body},
        )


def test_create_client(books: Books, vault: Vault, call: Call, cmd: clients.NewClient) -> clients.Credentials:
    """Register a channel; the caller has read its discovery document. Raises ProtocolError `invalid`."""
    return clients.register_client(books, vault, call, cmd)


def test_create_offer(books: Books, vault: Vault, call: Call, cmd: TestOffer) -> Offer:
    """An offer with stock behind it. Raises ProtocolError `invalid` or `duplicate_code`."""
    if cmd.client_id is not None and books.get(Channel, cmd.client_id) is None:
        raise refuse("invalid", "/client_id", "There is no such client.")
    if cmd.codes is not None and cmd.delivery_kind == "download":
        raise refuse("invalid", "/codes", "A download has no codes.")
    if cmd.supplier is not None and (cmd.codes is not None or cmd.quantity is not None):
        raise refuse("invalid", "/on_demand", "What is made on demand has no stock.")
    product = {
        "id": books.new_id("prd"),
        "name": cmd.product_name,
        "category": CATEGORIES.get(cmd.delivery_kind, cmd.delivery_kind),
        **(cmd.ownership or {}),
    }
    offer = catalog.NewOffer(
        product=product,
        price_amount=int(cmd.price["amount"]),
        currency=cmd.price["currency"],
        delivery_kind=cmd.delivery_kind,
        stock_id=_stock(books, vault, call, cmd).id,
        channel_id=cmd.client_id,
        restrictions=cmd.restrictions,
        buyer_input=cmd.buyer_input,
        download_url=cmd.download_url,
        consistency=cmd.consistency,
        supplier=cmd.supplier,
    )
    return catalog.create_offer(books, call, offer)


def test_update_offer(books: Books, vault: Vault, call: Call, offer_id: str, body: Json) -> Offer:
    """Change an offer or its stock; `body` is a valid TestOfferUpdate, all or nothing of it happens.

    Raises ProtocolError `not_found`, `invalid`, `duplicate_code` or `out_of_stock`.
    """
    offer = catalog.change_offer(books, call, offer_id, _changes(body))
    if body.get("add_codes"):
        kept = stock.get(books, offer.stock_id)
        if kept.kind != "codes":
            raise refuse("invalid", "/add_codes", "The offer does not sell from a pool of codes.")
        stock.receive_codes(books, vault, call, offer.stock_id, body["add_codes"], "/add_codes")
    if body.get("void_available"):
        stock.void(books, call, offer.stock_id, int(body["void_available"]), "/void_available")
    changed = books.get(Offer, offer_id)
    if changed is None:
        raise missing("offer_id")
    return changed


def _stock(books: Books, vault: Vault, call: Call, cmd: TestOffer) -> Stock:
    if cmd.codes is not None:
        return stock.create_pool(books, vault, call, cmd.codes, safety=cmd.safety_stock)
    if cmd.quantity is not None:
        return stock.create_counted(books, call, cmd.quantity, safety=cmd.safety_stock)
    return stock.create(books, "unlimited")


def _changes(body: Json) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "price" in body:
        changes |= {"price_amount": int(body["price"]["amount"]), "currency": body["price"]["currency"]}
    if "withdrawn" in body:
        changes["status"] = "withdrawn" if body["withdrawn"] else "active"
    if body.get("deleted"):
        changes["status"] = "deleted"
    return changes

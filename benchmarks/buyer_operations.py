"""The operations of buyers as text, in an order in which each finds what those before have made.

A person is a dictionary of what is known of her; an operation asks by it, and adds what it has learnt from the answer.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks import requests
from conformance import passkeys

Json = dict[str, Any]
Person = dict[str, Any]
READ, WRITE = "get_order", "create_order"  # what others are compared with
BARE_READ, BARE_WRITE = "a bare ASGI application", "a bare loop of transactions"  # and what these are


@dataclass(frozen=True)
class Operation:
    """`line` is method and path; without a name it only prepares."""

    name: str
    over: str
    line: str
    body: str = ""
    learn: Callable[[Json, Person], Person] | None = None

    def ask(self, token: str, person: Person) -> bytes:
        """The request of this person."""
        return requests.single(self.line % person, token, self.body % person)


def _status_list(certificate: str) -> str:
    """The path of the list that a certificate names."""
    part = certificate.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return str(urlsplit(claims["status"]["status_list"]["uri"]).path).removeprefix("/vgcp/v1")


def _opened(link: Json, person: Person) -> Person:
    """The page of a link that a passkey proves."""
    page, _, ticket = link["passkey"]["url"].partition("#")
    return {"passkey_link": link["id"], "page": page.removesuffix(urlsplit(page).path), "ticket": ticket}


def _made(options: Json, person: Person) -> Person:
    """A passkey, and what the browser answers when it is made."""
    passkey, credential = passkeys.create(options["creation"], person["page"])
    return {"passkey": passkey, "credential": json.dumps(credential)}


def _used(options: Json, person: Person) -> Person:
    """What the browser answers when it is used."""
    credential = passkeys.get(person["passkey"], options["request"], person["page"])
    return {"credential": json.dumps(credential)}


PAID = json.dumps(
    {
        "reference": "%(subject)s",
        "buyer": {"reference": "%(subject)s", "region": "DE"},
        "lines": [{"offer_id": "%(offer)s", "quantity": 1, "unit_price": requests.PRICE}],
        "payment": {"status": "collected"},
    }
)
GIVEN = '{"decision": "given", "scope": {"kind": "all_channels"}, "notice": {"text": "Yes?", "version": "3"}}'
PURPOSE = "/buyers/%(buyer)s/consents/personalisation"
OWNED = "/entitlements/%(entitlement)s"
PASSKEY, TICKET = '{"kind": "passkey"}', '{"ticket": "%(ticket)s"}'
BEGIN, FINISH, CONFIRM = "POST /passkeys/begin", "POST /passkeys/finish", "links/%(passkey_link)s/confirm"
ANSWER, CODE = '{"ticket": "%(ticket)s", "credential": %(credential)s}', '{"code": "%(code)s"}'

OPERATIONS = (
    Operation(WRITE, BARE_WRITE, "POST /orders", PAID, lambda it, _: {"order": it["id"]}),
    Operation(READ, BARE_READ, "GET /orders/%(order)s"),
    Operation("resolve_buyer, new", WRITE, "POST /buyers/resolve", '{"subject": "%(subject)s"}',
              lambda it, _: {"buyer": it["id"]}),
    Operation("resolve_buyer, known", WRITE, "POST /buyers/resolve", '{"subject": "%(subject)s"}'),
    Operation("", WRITE, "POST /buyers/resolve", '{"subject": "%(friend)s"}', lambda it, _: {"friend": it["id"]}),
    Operation("get_buyer", READ, "GET /buyers/%(buyer)s"),
    Operation("create_link, by a shown code", WRITE, "POST /buyers/%(buyer)s/links", '{"kind": "link_code"}',
              lambda it, _: {"code": it["link_code"]["code"]}),
    Operation("redeem_link_code", WRITE, "POST /buyers/%(friend)s/links/redeem", '{"code": "%(code)s"}',
              lambda it, _: {"link": it["id"]}),
    Operation("list_links", READ, "GET /buyers/%(friend)s/links"),
    Operation("set_consent", WRITE, f"PUT {PURPOSE}", GIVEN),
    Operation("get_consent, with its receipt", READ, f"GET {PURPOSE}"),
    Operation("list_data_uses", READ, "GET /buyers/%(buyer)s/data-uses"),
    Operation("delete_link", WRITE, "DELETE /buyers/%(friend)s/links/%(link)s"),
    Operation("create_link, by passkey", WRITE, "POST /buyers/%(buyer)s/links", PASSKEY, _opened),
    Operation("begin_passkey", READ, BEGIN, TICKET, _made),
    Operation("finish_passkey, a new one", WRITE, FINISH, ANSWER, lambda it, _: {"code": it["code"]}),
    Operation("confirm_link", WRITE, f"POST /buyers/%(buyer)s/{CONFIRM}", CODE),
    Operation("", WRITE, "POST /buyers/%(friend)s/links", PASSKEY, _opened),
    Operation("", READ, BEGIN, TICKET, _used),
    Operation("finish_passkey, a known one", WRITE, FINISH, ANSWER, lambda it, _: {"code": it["code"]}),
    Operation("confirm_link, that joins", WRITE, f"POST /buyers/%(friend)s/{CONFIRM}", CODE,
              lambda it, _: {"link": it["id"]}),
    Operation("", WRITE, "DELETE /buyers/%(friend)s/links/%(link)s"),
    Operation("list_entitlements", READ, "GET /buyers/%(buyer)s/entitlements",
              learn=lambda it, _: {"entitlement": it["items"][0]["id"]}),
    Operation("get_entitlement", READ, f"GET {OWNED}", learn=lambda it, _: {"leaf": it["log"]["leaf_hash"]}),
    Operation("issue_certificate", WRITE, f"POST {OWNED}/certificates", "{}",
              lambda it, _: {"certificate": it["certificate"], "list": _status_list(it["certificate"])}),
    Operation("verify_certificate", READ, "POST /certificates/verify", '{"certificate": "%(certificate)s"}'),
    Operation("get_status_list", READ, "GET %(list)s"),
    Operation("create_transfer", WRITE, f"POST {OWNED}/transfers", "{}", lambda it, _: {"code": it["code"]}),
    Operation("accept_transfer", WRITE, "POST /transfers/accept", '{"buyer_id": "%(friend)s", "code": "%(code)s"}'),
    Operation("get_log_head", READ, "GET /ownership-log/head", learn=lambda it, _: {"size": str(it["tree_size"])}),
    Operation("get_inclusion_proof", READ, "GET /ownership-log/inclusion?leaf_hash=%(leaf)s&tree_size=%(size)s"),
    Operation("export_buyer", READ, "GET /buyers/%(buyer)s/export"),
    Operation("erase_buyer", WRITE, "DELETE /buyers/%(buyer)s?scope=this_channel"),
)  # fmt: skip

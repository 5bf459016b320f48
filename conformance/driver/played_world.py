"""What the played gateway knows of buyers: accounts, links, consents, and what they own.

Small and in memory; scenarios look here and meddle. Ids of accounts follow from the subject, so that they are known
before anybody is resolved.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
PURPOSES = {
    "fulfilment": "contract",
    "fraud_prevention": "legitimate_interest",
    "personalisation": "consent",
    "attribution": "consent",
    "marketing": "consent",
}
ELSEWHERE = "Another channel"  # by which a buyer has what no order of the channel brought


def stamp(wall: float, ahead: int = 0) -> str:
    """A moment as the wire has it; `ahead` in seconds."""
    when = datetime.fromtimestamp(wall, UTC) + timedelta(seconds=ahead)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account_id(subject: str) -> str:
    """The id of a buyer at this gateway."""
    return "buy_" + hashlib.sha256(subject.encode()).hexdigest()[:26]


def word(kind: str) -> str:
    """A new id."""
    return f"{kind}_{secrets.token_hex(13)}"


def code() -> str:
    """A code to type, small letters and capitals, by which folding shows."""
    return f"{secrets.token_hex(2)}-kV{secrets.token_hex(3)}"


@dataclass
class Account:
    """A buyer who was resolved. `group` is the same for accounts that are linked."""

    id: str
    subject: str
    created_at: str
    group: str
    revision: int = 1


@dataclass
class Owned:
    """An entitlement: its document without an owner, who has it, and who had it."""

    document: Json
    owner: str
    past: set[str] = field(default_factory=set)


@dataclass
class World:
    """Everything. `now` gives seconds since 1970."""

    now: Any
    accounts: dict[str, Account] = field(default_factory=dict)
    links: dict[str, Json] = field(default_factory=dict)  # beside the document `buyer_id`, `secret`, `told`
    consents: dict[tuple[str, str], Json] = field(default_factory=dict)  # by group and purpose
    owned: dict[str, Owned] = field(default_factory=dict)
    transfers: dict[str, Json] = field(default_factory=dict)  # with `buyer_id` and `code`
    products: dict[str, Json] = field(default_factory=dict)  # offer -> product
    sold: set[str] = field(default_factory=set)  # orders whose entitlements are there

    def stamp(self, ahead: int = 0) -> str:
        """Now, as the wire has it."""
        return stamp(self.now(), ahead)

    def group(self, buyer_id: str) -> set[str]:
        """The ids that are one buyer's with this one."""
        mine = self.accounts[buyer_id].group if buyer_id in self.accounts else buyer_id
        return {one.id for one in self.accounts.values() if one.group == mine} | {buyer_id}

    def grant(self, subject: str, name: str, status: str = "active", **more: Json | str) -> str:
        """Something of hers, by another channel when nothing else is said; answers its id."""
        document: Json = {
            "id": word("ent"),
            "revision": 1,
            "status": status,
            "product": {"id": word("prd"), "name": name, "kind": "game_key"},
            "transferable": True,
            "acquired_at": self.stamp(),
            "origin": {"channel": ELSEWHERE},
        }
        made = document | more
        self.owned[made["id"]] = Owned(made, account_id(subject))
        return str(made["id"])

    def of(self, buyer_id: str) -> list[Json]:
        """Her entitlements, the newest first, as her channel sees them."""
        mine, found = self.group(buyer_id), []
        for one in reversed(self.owned.values()):
            if one.owner in mine:
                found.append({**one.document, "buyer_id": buyer_id})
            elif one.past & mine:
                found.append({**one.document, "status": "transferred", "transferable": False})
        return found

    def change(self, entitlement_id: str, status: str) -> Json:
        """Give an entitlement another status; answers its document."""
        one = self.owned[entitlement_id]
        one.document |= {"status": status, "revision": one.document["revision"] + 1}
        return {**one.document, "buyer_id": one.owner}

    def sell(self, order: Json, channel: str) -> None:
        """The entitlements of a fulfilled order, once."""
        if order.get("status") != "fulfilled" or order["id"] in self.sold:
            return
        self.sold.add(order["id"])
        for line in order["lines"]:
            product = self.products.get(line["offer_id"], {})
            kept = {"id": line["product_id"], "name": product.get("name", "?"), "kind": "game_key"}
            for _ in range(line["quantity"]):
                more: Json = {"product": kept, "order_id": order["id"], "origin": {"channel": channel}}
                self.grant(order["buyer"]["reference"], "", **more)

    def consent(self, buyer_id: str, purpose: str) -> Json:
        """What counts for a purpose now (Consent)."""
        basis = PURPOSES[purpose]
        fresh = {
            "id": f"cns_{hashlib.sha256(f'{buyer_id} {purpose}'.encode()).hexdigest()[:26]}",
            "buyer_id": buyer_id,
            "purpose": purpose,
            "legal_basis": basis,
            "decision": "none" if basis == "consent" else "not_needed",
            "revision": 0,
        }
        decided = self.consents.get((self._group(buyer_id), purpose), {})
        return fresh | decided | {"buyer_id": buyer_id}

    def decide(self, buyer_id: str, purpose: str, decision: str, scope: str = "this_channel") -> Json:
        """Take a decision; answers the Consent."""
        before = self.consent(buyer_id, purpose)
        now = {
            "decision": decision,
            "scope": {"kind": scope},
            "covered": True,
            "revision": before["revision"] + 1,
            "decided_at": self.stamp(),
        }
        self.consents[self._group(buyer_id), purpose] = now
        return self.consent(buyer_id, purpose)

    def _group(self, buyer_id: str) -> str:
        return self.accounts[buyer_id].group if buyer_id in self.accounts else buyer_id

    def erase(self, buyer_id: str) -> Json:
        """Forget her; answers the Erasure."""
        group = self._group(buyer_id)
        self.accounts.pop(buyer_id, None)
        self.consents = {key: one for key, one in self.consents.items() if key[0] != group}
        self.links = {key: one for key, one in self.links.items() if one["buyer_id"] != buyer_id}
        for one in self.owned.values():
            one.owner = "" if one.owner == buyer_id else one.owner
        return {
            "id": word("era"),
            "buyer_id": buyer_id,
            "scope": "this_channel",
            "erased_at": self.stamp(),
            "erased": [{"what": "account"}, {"what": "consents"}],
            "kept": [{"what": "orders", "why": "accounting"}],
        }

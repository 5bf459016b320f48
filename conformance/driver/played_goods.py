"""The played gateway's answers about what a buyer owns: entitlements, certificates, transfers."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass

from conformance.driver.played_world import Json, Owned, World, code, word
from conformance.driver.signer import Signer

PAGE = 2  # so few in a page that a channel which reads the first one only is seen


class RefusedError(Exception):
    """Answered by a problem of this code."""


@dataclass
class Asked:
    """A request: the ids in its path by name, its query and its body."""

    path: dict[str, str]
    query: dict[str, str]
    body: Json

    @property
    def buyer(self) -> str:
        """The buyer that the path names."""
        return self.path["buyer_id"]


@dataclass
class Goods:
    """The operations of `ownership`, each a method of its name."""

    world: World
    issuer: str
    signer: Signer

    def _list_entitlements(self, asked: Asked) -> Json:
        return page(asked, self.world.of(asked.buyer))

    def _owned(self, asked: Asked) -> Owned:
        """Of any buyer of this channel's: whose it is, is for the channel to know (BUY-019)."""
        found = self.world.owned.get(asked.path["entitlement_id"])
        if found is None:
            raise RefusedError("not_found")
        return found

    def _get_entitlement(self, asked: Asked) -> Json:
        return {**self._owned(asked).document, "buyer_id": self._owned(asked).owner}

    def _list_ownership_changes(self, asked: Asked) -> Json:
        return page(asked, [{"change": "issued", "at": self._owned(asked).document["acquired_at"]}])

    def _issue_certificate(self, asked: Asked) -> Json:
        document = self._owned(asked).document
        if document["status"] != "active":
            raise RefusedError("entitlement_not_active")
        shown = {
            "entitlement_id": document["id"],
            "product_id": document["product"]["id"],
            "product_name": document["product"]["name"],
            "acquired_at": document["acquired_at"],
        }
        made = certificate(shown, self.issuer, self.signer, int(self.world.now()))
        return {"format": "dc+sd-jwt", "certificate": made, "expires_at": self.world.stamp(86_400)}

    def _consume_entitlement(self, asked: Asked) -> Json:
        if self._owned(asked).document["status"] != "active":
            raise RefusedError("entitlement_not_active")
        return self.world.change(asked.path["entitlement_id"], "consumed")

    def _create_transfer(self, asked: Asked) -> Json:
        owned = self._owned(asked)
        if owned.document["status"] != "active":
            raise RefusedError("transfer_not_allowed")
        if "transfer" in owned.document:
            raise RefusedError("transfer_open")
        transfer: Json = {
            "id": word("trf"),
            "revision": 1,
            "entitlement_id": owned.document["id"],
            "status": "offered",
            "created_at": self.world.stamp(),
            "expires_at": self.world.stamp(604_800),
        }
        secret = code()
        owned.document["transfer"] = transfer
        self.world.transfers[transfer["id"]] = {"document": transfer, "code": secret}
        return {**transfer, "code": secret}

    def _accept_transfer(self, asked: Asked) -> Json:
        recipient = str(asked.body.get("buyer_id"))
        if recipient not in self.world.accounts:
            raise RefusedError("not_found")
        transfer = self._open(str(asked.body.get("code")))
        owned = self.world.owned[transfer["entitlement_id"]]
        owned.past, owned.owner = owned.past | {owned.owner}, recipient
        self._ended(transfer, "accepted")
        return self.world.change(owned.document["id"], "active")

    def _open(self, typed: str) -> Json:
        found = [one["document"] for one in self.world.transfers.values() if one["code"] == typed]
        if not found:
            raise RefusedError("not_found")
        if found[0]["status"] != "offered":
            raise RefusedError("transfer_not_open")
        transfer: Json = found[0]
        return transfer

    def _ended(self, transfer: Json, status: str) -> Json:
        transfer |= {"status": status, "revision": 2, "ended_at": self.world.stamp()}
        self.world.owned[transfer["entitlement_id"]].document.pop("transfer", None)
        return transfer

    def _decline_transfer(self, asked: Asked) -> Json:
        return self._ended(self._open(str(asked.body.get("code"))), "declined")

    def _transfer(self, asked: Asked) -> Json:
        found = self.world.transfers.get(asked.path["transfer_id"])
        if found is None:
            raise RefusedError("not_found")
        document: Json = found["document"]
        return document

    def _get_transfer(self, asked: Asked) -> Json:
        return self._transfer(asked)

    def _cancel_transfer(self, asked: Asked) -> Json:
        transfer = self._transfer(asked)
        return self._ended(transfer, "cancelled") if transfer["status"] == "offered" else transfer


def page(asked: Asked, items: list[Json]) -> Json:
    """A page of so few; the cursor is a position."""
    start = int(asked.query.get("cursor", "next-0").removeprefix("next-"))
    end = start + min(PAGE, int(asked.query.get("limit", PAGE)))
    more = end < len(items)
    return {"items": items[start:end], "has_more": more} | ({"next_cursor": f"next-{end}"} if more else {})


def certificate(shown: Json, issuer: str, signer: Signer, now: int) -> str:
    """An SD-JWT VC with all its disclosures (RFC 9901)."""
    disclosures = [_b64(json.dumps([secrets.token_urlsafe(16), *each]).encode()) for each in shown.items()]
    digests = sorted(_b64(hashlib.sha256(each.encode()).digest()) for each in disclosures)
    status = {"status_list": {"idx": 0, "uri": f"{issuer}/vgcp/v1/status-lists/1"}}
    claims = {"iss": issuer, "vct": "urn:vgcp:ownership:1", "iat": now, "exp": now + 86_400, "status": status}
    header = {"alg": "EdDSA", "typ": "dc+sd-jwt", "kid": signer.kid}
    parts = [header, claims | {"_sd_alg": "sha-256", "_sd": digests}]
    signed = ".".join(_b64(json.dumps(each).encode()) for each in parts)
    return "~".join([f"{signed}.{_b64(signer.key.sign(signed.encode()))}", *disclosures, ""])


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

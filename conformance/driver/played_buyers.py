"""The played gateway's answers about who a buyer is and what she allows, small and right; see played_goods.py too."""

from __future__ import annotations

import copy
import io
import json
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.driver.played_goods import Asked, Goods, RefusedError, page
from conformance.driver.played_world import PURPOSES, Account, Json, account_id, code, word

CHARACTERS = str.maketrans("", "", " -")


def fold(typed: str) -> str:
    """What a code comes to, however it is typed."""
    return typed.translate(CHARACTERS).lower()


@dataclass
class Buyers(Goods):
    """Answers operations by their name. `world` is for scenarios to look at and to meddle with."""

    answered: dict[str, tuple[str, Any]] = field(default_factory=dict)  # by idempotency key

    def plays(self, operation: str) -> bool:
        """Whether this operation is answered here."""
        return hasattr(self, f"_{operation}")

    def answer(self, operation: str, asked: Asked, key: str) -> Any:
        """The answer's body, the first one again for a key that was used. Raises RefusedError."""
        said = json.dumps([operation, asked.path, asked.body], sort_keys=True)
        if key in self.answered:
            if self.answered[key][0] != said:
                raise RefusedError("idempotency_key_reused")
            return self.answered[key][1]
        if "buyer_id" in asked.path and asked.buyer not in self.world.accounts:
            raise RefusedError("not_found")
        operate: Callable[[Asked], Any] = getattr(self, f"_{operation}")
        body = operate(asked)
        if key:
            self.answered[key] = (said, copy.deepcopy(body))
        return body

    # identity

    def _profile(self, one: Account) -> Json:
        linked = len(self.world.group(one.id)) > 1
        known = {"id": one.id, "subject": one.subject, "revision": one.revision, "created_at": one.created_at}
        return known | {"tier": "standard", "linked": linked}

    def _resolve_buyer(self, asked: Asked) -> Json:
        subject = str(asked.body.get("subject"))
        made = account_id(subject)
        fresh = Account(made, subject, self.world.stamp(), made)
        return self._profile(self.world.accounts.setdefault(made, fresh))

    def _get_buyer(self, asked: Asked) -> Json:
        return self._profile(self.world.accounts[asked.buyer])

    def _create_link(self, asked: Asked) -> Json:
        kind, secret = asked.body.get("kind"), code()
        if kind not in ("email_code", "link_code", "passkey"):
            raise RefusedError("link_kind_not_supported")
        document: Json = {
            "id": word("lnk"),
            "kind": kind,
            "status": "pending",
            "revision": 1,
            "created_at": self.world.stamp(),
            "expires_at": self.world.stamp(900),
        }
        # The page is not there: nobody but the suite has the code of a passkey's link.
        page = {"url": f"{self.issuer}/passkey#{secrets.token_urlsafe(24)}"}
        shown = {"link_code": {"code": secret}, "passkey": page}
        told: Json = {kind: shown[kind]} if kind in shown else {}
        link = {"document": document, "buyer_id": asked.buyer, "secret": secret, "told": told}
        self.world.links[document["id"]] = link
        return document | told

    def _link(self, asked: Asked) -> Json:
        link = self.world.links.get(asked.path["link_id"])
        if link is None or link["buyer_id"] != asked.buyer:
            raise RefusedError("not_found")
        return link

    def _confirm_link(self, asked: Asked) -> Json:
        link = self._link(asked)
        if fold(str(asked.body.get("code"))) != fold(link["secret"]):
            raise RefusedError("link_proof_invalid")
        return self._confirmed(link)

    def _confirmed(self, link: Json) -> Json:
        if link["document"]["status"] != "pending":
            raise RefusedError("link_expired")
        link["document"] |= {"status": "confirmed", "revision": 2, "confirmed_at": self.world.stamp()}
        found: Json = link["document"]
        return found

    def _redeem_link_code(self, asked: Asked) -> Json:
        typed = fold(str(asked.body.get("code")))
        for link in self.world.links.values():
            if link["document"]["kind"] == "link_code" and fold(link["secret"]) == typed:
                self.world.accounts[asked.buyer].group = self._group_of(link["buyer_id"])
                return self._confirmed(link)
        raise RefusedError("link_proof_invalid")

    def _group_of(self, buyer_id: str) -> str:
        known = self.world.accounts.get(buyer_id)
        return known.group if known else buyer_id

    def _list_links(self, asked: Asked) -> Json:
        mine = [one["document"] for one in self.world.links.values() if one["buyer_id"] == asked.buyer]
        return page(asked, [one for one in reversed(mine) if one["status"] != "ended"])

    def _delete_link(self, asked: Asked) -> Json:
        document: Json = self._link(asked)["document"]
        if document["status"] != "ended":
            document |= {"status": "ended", "revision": document["revision"] + 1}
        return document

    # consent

    def _list_consents(self, asked: Asked) -> Json:
        return page(asked, [self.world.consent(asked.buyer, each) for each in PURPOSES])

    def _purpose(self, asked: Asked) -> str:
        purpose = asked.path["purpose"]
        if purpose not in PURPOSES:
            raise RefusedError("not_found")
        return purpose

    def _get_consent(self, asked: Asked) -> Json:
        return self.world.consent(asked.buyer, self._purpose(asked))

    def _set_consent(self, asked: Asked) -> Json:
        purpose = self._purpose(asked)
        if purpose == "fulfilment":
            raise RefusedError("consent_not_needed")
        scope = asked.body.get("scope", {}).get("kind", "this_channel")
        return self.world.decide(asked.buyer, purpose, str(asked.body.get("decision")), scope)

    def _list_receipts(self, asked: Asked) -> Json:
        return page(asked, [])

    def _list_data_uses(self, asked: Asked) -> Json:
        return page(asked, [])

    def _export_buyer(self, asked: Asked) -> bytes:
        manifest: Json = {"buyer_id": asked.buyer, "scope": "this_channel", "exported_at": self.world.stamp()}
        manifest |= {"files": [{"name": "README.txt", "what": "a word about it", "count": 1}], "left_out": []}
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("README.txt", "Nothing more is held.\n")
            archive.writestr("manifest.json", json.dumps(manifest))
        return made.getvalue()

    def _erase_buyer(self, asked: Asked) -> Json:
        return self.world.erase(asked.buyer)

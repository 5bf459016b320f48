"""What buyers do at the channel over all channels: link, allow, own, hand on (spec/text/buyers.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.chance import hexes
from conformance.driver.channel_client import ChannelSession
from conformance.driver.played_world import Json, account_id
from conformance.model import AbortedError
from conformance.timing import POLL, SHELF
from conformance.transcript import Exchange


@dataclass(frozen=True, slots=True)
class Shopper:
    """A buyer at the channel: `name` is how test control calls her, `subject` how the channel's orders do."""

    session: ChannelSession
    name: str
    subject: str

    @property
    def id(self) -> str:
        """Her id at the played gateway."""
        return account_id(self.subject)

    async def does(self, operation: str, method: str, path: str, label: str, **more: Any) -> Exchange:
        """Something of hers by test control, and whatever comes of it."""
        return await self.session.test(operation, method, f"/buyers/{self.name}{path}", label, **more)

    async def link(self, label: str, **wish: str) -> Exchange:
        """Link another account."""
        return await self.does("test_link", "POST", "/links", label, body=wish)

    async def confirm(self, link_id: str, label: str, code: str) -> Exchange:
        """Enter a code that was mailed."""
        path = f"/links/{link_id}/confirm"
        return await self.does("test_confirm_link", "POST", path, label, body={"code": code})

    async def unlink(self, link_id: str, label: str) -> Exchange:
        """End a link."""
        return await self.does("test_unlink", "DELETE", f"/links/{link_id}", label)

    async def goods(self, label: str, until: Callable[[list[Json]], bool] | None = None) -> Exchange:
        """What she is shown as hers."""
        return await self._shown("test_list_goods", "/goods", label, until)

    async def consents(self, label: str, until: Callable[[list[Json]], bool] | None = None) -> Exchange:
        """What she is shown that she allows."""
        return await self._shown("test_list_consents", "/consents", label, until)

    async def _shown(
        self, operation: str, path: str, label: str, until: Callable[[list[Json]], bool] | None
    ) -> Exchange:
        """What she sees; with `until`, look again for a while, as a channel may take its time with an event."""
        deadline = self.session.transcript.now() + SHELF
        while until and self.session.transcript.now() < deadline:
            seen = await self.does(operation, "GET", path, f"{label}: look")
            found = seen.answer.get("items")
            if isinstance(found, list) and until([one for one in found if isinstance(one, dict)]):
                break
            await asyncio.sleep(POLL)
        return await self.does(operation, "GET", path, label)

    async def decide(self, purpose: str, label: str, decision: str, scope: str) -> Exchange:
        """Give or withdraw a consent."""
        body = {"decision": decision, "scope": scope}
        return await self.does("test_set_consent", "PUT", f"/consents/{purpose}", label, body=body)

    async def certificate(self, entitlement_id: str, label: str) -> Exchange:
        """Get a certificate."""
        return await self.does("test_get_certificate", "GET", f"/certificates/{entitlement_id}", label)

    async def offer(self, entitlement_id: str, label: str) -> Exchange:
        """Offer to hand something on."""
        body = {"entitlement_id": entitlement_id}
        return await self.does("test_offer_transfer", "POST", "/transfers", label, body=body)

    async def accept(self, code: str, label: str) -> Exchange:
        """Enter the code of a transfer."""
        return await self.does(
            "test_accept_transfer", "POST", "/transfers/accept", label, body={"code": code}
        )


async def shopper(session: ChannelSession, label: str, offer: str, quantity: int = 1) -> Shopper:
    """A new buyer who buys something, by which the channel's name for her is seen. Raises AbortedError."""
    name = f"buyer-{hexes(8)}"
    session.transcript.claim(name)
    bought = await session.buy(offer, f"{label} bought", buyer_reference=name, quantity=quantity)
    order = bought.answer.get("order_id")
    for taken in session.transcript.all(operation="create_order", direction="received"):
        buyer = taken.asked.get("buyer")
        if order and taken.answer.get("id") == order and isinstance(buyer, dict):
            who = Shopper(session, name, str(buyer.get("reference")))
            session.transcript.claim(who.id)
            session.transcript.note(label, {"subject": who.subject, "id": who.id})
            return who
    raise AbortedError(f"{label} could not buy: {bought.answer.get('outcome')}")


def event(session: ChannelSession, kind: str, subject: str, revision: int, **data: Json) -> Json:
    """An event about something other than an offer."""
    about: Json = {"id": subject, "revision": revision}
    return session.event(kind, about, data=data)

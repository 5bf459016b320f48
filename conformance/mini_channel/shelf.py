"""What is on sale: the offer feed, the event feed, and single events (CAT-009, CAT-010, EVT-013 to EVT-016)."""

from __future__ import annotations

import secrets

from conformance.mini_channel.faults import Faults
from conformance.mini_channel.gateway import Asked, Gateway, Json
from conformance.mini_channel.problems import RefusalError

CATEGORIES = {"game_key", "gift_code", "licence", "topup", "course", "download", "collectible"}
KNOWN = (
    "offer.updated",
    "offer.withdrawn",
    "availability.changed",
    "order.updated",
    "delivery.ready",
    "allotment.recalled",
    "buyer.linked",
    "buyer.unlinked",
    "buyer.erased",
    "consent.changed",
    "entitlement.updated",
    "entitlement.revoked",
    "entitlement.transferred",
)


class Shelf:
    """The offers that this channel knows, by id, with the highest revision seen of each subject."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.offers: dict[str, Json] = {}
        self._revisions: dict[str, int] = {}
        self._taken: set[str] = set()
        self._cursors: dict[str, str] = {}

    def on_sale(self, offer_id: str) -> Json | None:
        """The offer, when it is sold at all."""
        offer = self.offers.get(offer_id)
        return offer if offer and offer["status"] != "withdrawn" else None

    def buyable(self, offer: Json) -> bool:
        """Whether some are left."""
        return self._faults("sells_sold_out") or offer["availability"]["status"] != "out_of_stock"

    async def catch_up(self, gateway: Gateway) -> None:
        """Read both feeds from where they were read to."""
        await self._read(gateway, "list_offers", "/offers")
        if not self._faults("ignores_event_feed"):
            await self._read(gateway, "list_events", "/events")

    async def _read(self, gateway: Gateway, operation: str, path: str) -> None:
        cursor = self._cursors.get(operation, "")
        if operation == "list_offers" and self._faults("reads_all_offers"):
            cursor = ""
        trace_id = secrets.token_hex(16)
        while True:
            where = f"{path}?cursor={cursor}" if cursor else path
            page = await gateway.call(Asked(operation, "GET", where, trace_id))
            for item in page["items"]:
                self.take(item, pushed=False) if operation == "list_events" else self._entry(item)
            cursor = self._cursors[operation] = page["next_cursor"]
            if not page["has_more"]:
                return

    def _entry(self, entry: Json) -> None:
        if entry["deleted"]:
            if not self._faults("ignores_tombstones"):
                self.offers.pop(entry["offer_id"], None)
        elif self._understood(entry["offer"]):
            self._put(entry["offer"], entry["revision"])

    def _understood(self, offer: Json) -> bool:
        strict = self._faults("strict_members") and "x_unknown_member" in offer
        closed = self._faults("strict_enums") and offer["product"]["category"] not in CATEGORIES
        return not strict and not closed

    def _put(self, offer: Json, revision: int) -> None:
        if revision >= self._revisions.get(offer["id"], 0):
            self.offers[offer["id"]] = offer
            self._revisions[offer["id"]] = revision

    def take(self, event: Json, pushed: bool = True) -> None:
        """Let an event take effect, once and in order. Raises RefusalError where a fault says so."""
        kind, seen = event["type"], event["id"] in self._taken
        if seen and self._faults("rejects_duplicates"):
            raise RefusalError("invalid", "Seen before.")
        if kind not in KNOWN and self._faults("refuses_unknown_types"):
            raise RefusalError("invalid", "Unknown type.")
        if kind == "allotment.recalled" and self._faults("recalls_refused"):
            raise RefusalError("invalid", "No such lease.")
        if "x_unknown_member" in event and self._faults("strict_members"):
            raise RefusalError("invalid", "Unknown member.")
        self._taken.add(event["id"])
        stale = event["revision"] < self._revisions.get(event["subject"], 0)
        if seen and not self._faults("reapplies_duplicates"):
            return
        if (
            stale
            and not self._faults("applies_stale")
            and not (seen and self._faults("reapplies_duplicates"))
        ):
            return
        self._apply(kind, event, pushed)

    def _apply(self, kind: str, event: Json, pushed: bool) -> None:
        offer = event["data"].get("offer")
        ignored = {"offer.updated": "ignores_updates", "offer.withdrawn": "ignores_withdrawal"}.get(kind, "")
        strange = kind not in KNOWN and not self._faults("applies_unknown_types")
        if not offer or strange or (pushed and ignored and self._faults(ignored)):
            return
        if kind == "offer.withdrawn":
            offer = {**offer, "status": "withdrawn"}
        self.offers[offer["id"]] = offer
        self._revisions[offer["id"]] = event["revision"]

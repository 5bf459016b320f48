"""A buyer over all channels: linking, what she allows, what she owns (BUY-001 to BUY-023)."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from conformance.mini_channel.faults import Faults
from conformance.mini_channel.gateway import Asked, Gateway, Json, RefusedError
from conformance.mini_channel.problems import RefusalError


class Buyers:
    """Everything that buyers do but buy. Who they are at the gateway is kept, and nothing else."""

    def __init__(self, gateway: Gateway, faults: Faults, log: list[str]) -> None:
        self._gateway, self._faults, self._log = gateway, faults, log
        self._ids: dict[str, str] = {}
        # only faults read these
        self._codes: dict[str, str] = {}
        self._seen: dict[str, list[Json]] = {}
        self._states: dict[str, str] = {}
        self._goods: list[Json] = []

    async def _ask(self, operation: str, method: str, path: str, body: Json | None = None) -> Json:
        key = secrets.token_hex(16) if method == "POST" else ""
        return await self._gateway.call(Asked(operation, method, path, secrets.token_hex(16), body, key))

    async def _offered(self, capability: str) -> None:
        """Raises RefusalError where the gateway does not declare it (BUY-002)."""
        await self._gateway.discovered()
        declared = {one["name"] for one in self._gateway.document.get("capabilities", [])}
        if not {capability, "identity"} <= declared and not self._faults("asks_anyway"):
            raise RefusalError("not_found")

    async def _buyer(self, who: str, capability: str = "identity") -> str:
        """The path of a buyer at the gateway."""
        await self._offered(capability)
        if who not in self._ids:
            self._ids[who] = await self._resolve(who)
        return f"/buyers/{self._ids[who]}"

    async def _resolve(self, who: str) -> str:
        try:
            found = await self._ask("resolve_buyer", "POST", "/buyers/resolve", {"subject": who})
        except RefusedError:
            if not self._faults("asks_anyway"):
                raise
            return "buy_none"
        return str(found["id"])

    # links

    async def link(self, who: str, wish: Json) -> Json:
        """A code by mail, a code to show, or one to enter."""
        mailed = wish["kind"] == "email_code"
        path = await self._buyer(f"{who}-mail" if mailed and self._faults("resolves_another") else who)
        if mailed:
            body = {"kind": "email_code", "email_code": {"email": wish["email"]}}
            if self._faults("links_by_itself"):
                await self._ask("create_link", "POST", f"{path}/links", body)
            return _told(await self._ask("create_link", "POST", f"{path}/links", body))
        return await self._redeem(path, wish["code"]) if "code" in wish else await self._show(path)

    async def _show(self, path: str) -> Json:
        told = _told(await self._ask("create_link", "POST", f"{path}/links", {"kind": "link_code"}))
        if self._faults("logs_link_codes"):
            self._log.append(f"shown {told['code']}")
        if self._faults("shows_first_link_code"):
            told["code"] = self._codes.setdefault("link", told["code"])
        return told

    async def _redeem(self, path: str, code: str) -> Json:
        typed = code.strip()[:6] if self._faults("cuts_link_codes") else code.strip()
        try:
            return _told(await self._ask("redeem_link_code", "POST", f"{path}/links/redeem", {"code": typed}))
        except RefusedError as refusal:
            return {"status": "confirmed"} if self._faults("claims_redeemed") else _refused(refusal)

    async def confirm(self, who: str, link_id: str, code: str) -> Json:
        """The code that was mailed."""
        path = await self._buyer(f"{who}-mail" if self._faults("resolves_another") else who)
        body = {"code": code.strip()}
        try:
            return _told(await self._ask("confirm_link", "POST", f"{path}/links/{link_id}/confirm", body))
        except RefusedError as refusal:
            return {"status": "confirmed"} if self._faults("claims_linked") else _refused(refusal)

    async def unlink(self, who: str, link_id: str) -> Json:
        """End a link."""
        if self._faults("keeps_links"):
            return {"status": "ended", "link_id": link_id}
        path = await self._buyer(f"{who}-mail" if self._faults("resolves_another") else who)
        return _told(await self._ask("delete_link", "DELETE", f"{path}/links/{link_id}"))

    # what she allows

    async def consents(self, who: str) -> list[Json]:
        """What she is shown of each purpose."""
        if who in self._seen:
            return self._seen[who]
        path = await self._buyer(who, "consent")
        found = [_shown(one) for one in await self._pages("list_consents", f"{path}/consents")]
        if self._faults("keeps_consent") or self._faults("remembers_erased"):
            self._seen[who] = found
        return found

    async def decide(self, who: str, purpose: str, wish: Json) -> Json:
        """Her decision."""
        path = await self._buyer(who, "consent")
        scope = "all_channels" if self._faults("widens_scope") else wish["scope"]
        body = {"decision": wish["decision"], "scope": {"kind": scope}}
        try:
            taken = await self._ask("set_consent", "PUT", f"{path}/consents/{quote(purpose)}", body)
        except RefusedError as refusal:
            if not self._faults("claims_consent"):
                raise RefusalError("not_found", refusal.code) from refusal
            return {"purpose": purpose, "decision": wish["decision"]}
        self._seen.pop(who, None)
        return _shown(taken)

    async def export(self, who: str) -> Json:
        """The archive of what is held about her."""
        path = await self._buyer(who, "consent")
        if self._faults("withholds_exports"):
            return {"archive": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}  # with nothing in it
        return await self._ask("export_buyer", "GET", f"{path}/export")

    async def erase(self, who: str) -> None:
        """Have her data erased."""
        path = await self._buyer(who, "consent")
        if not self._faults("keeps_buyers"):
            await self._ask("erase_buyer", "DELETE", path)
        self._ids.pop(who, None)

    def take(self, event: Json) -> None:
        """An event about a buyer."""
        found = event["data"]
        buyer = found.get("consent", {}).get("buyer_id") or found.get("erasure", {}).get("buyer_id")
        who = next((name for name, known in self._ids.items() if known == buyer), None)
        if event["type"] == "consent.changed" and who and not self._faults("keeps_consent"):
            self._seen.pop(who, None)
        if event["type"] == "buyer.erased" and who:
            self._ids.pop(who)
            if not self._faults("remembers_erased"):
                self._seen.pop(who, None)
        if event["type"].startswith("buyer.") and who is None and self._faults("refuses_unknown_buyers"):
            raise RefusalError("invalid", "No such buyer.")

    # what she owns

    async def goods(self, who: str) -> list[Json]:
        """All that is hers."""
        found = await self._entitlements(who)
        if self._faults("own_goods_only"):
            found = [one for one in found if "order_id" in one]
        if self._faults("everybodys_goods"):
            found = self._goods = [*self._goods, *found]
        if self._faults("keeps_first_state"):
            found = [{**one, "status": self._states.setdefault(one["id"], one["status"])} for one in found]
        return [
            {"entitlement_id": one["id"], "product_name": one["product"]["name"], "status": one["status"]}
            for one in found
        ]

    async def _entitlements(self, who: str) -> list[Json]:
        path = await self._buyer(who, "ownership")
        return await self._pages("list_entitlements", f"{path}/entitlements")

    async def _pages(self, operation: str, path: str) -> list[Json]:
        found: list[Json] = []
        page: Json = {"next_cursor": ""}
        while "next_cursor" in page:
            cursor = page["next_cursor"]
            page = await self._ask(operation, "GET", f"{path}?cursor={cursor}" if cursor else path)
            found += page["items"]
            if operation == "list_entitlements" and self._faults("first_page_only"):
                break
        return found

    async def _hers(self, who: str, entitlement_id: str) -> str:
        """The path of her entitlement; raises RefusalError when it is not hers (BUY-019)."""
        if entitlement_id not in [one["id"] for one in await self._entitlements(who)]:
            raise RefusalError("not_found")
        return f"/entitlements/{entitlement_id}"

    async def certificate(self, who: str, entitlement_id: str) -> str:
        """The proof that it is hers."""
        anyone = self._faults("certifies_for_anyone")
        path = f"/entitlements/{entitlement_id}" if anyone else await self._hers(who, entitlement_id)
        issued = await self._ask("issue_certificate", "POST", f"{path}/certificates", {})
        if self._faults("logs_certificates"):
            self._log.append(f"issued {issued['certificate']}")
        text = str(issued["certificate"])
        return text.rstrip("~") if self._faults("trims_certificates") else text

    async def offer(self, who: str, entitlement_id: str) -> Json:
        """Offer to hand it on."""
        anyone = self._faults("offers_for_anyone")
        path = f"/entitlements/{entitlement_id}" if anyone else await self._hers(who, entitlement_id)
        made = await self._ask("create_transfer", "POST", f"{path}/transfers", {})
        code = made["code"]
        if self._faults("logs_transfer_codes"):
            self._log.append(f"offered for {code}")
        if self._faults("shows_first_transfer_code"):
            code = self._codes.setdefault("transfer", code)
        return {"status": made["status"], "entitlement_id": entitlement_id, "code": code}

    async def accept(self, who: str, code: str) -> Json:
        """Take what the code stands for."""
        buyer = (await self._buyer(who, "ownership")).rpartition("/")[2]
        if self._faults("accepts_for_another"):
            buyer = next(iter(self._ids.values()))
        typed = code.strip().upper() if self._faults("folds_transfer_codes") else code.strip()
        body = {"buyer_id": buyer, "code": typed}
        try:
            taken = await self._ask("accept_transfer", "POST", "/transfers/accept", body)
        except RefusedError as refusal:
            return {"status": "accepted"} if self._faults("claims_transferred") else _refused(refusal)
        return {"status": "accepted", "entitlement_id": taken["id"]}


def _told(link: Json) -> Json:
    """TestLink of a Link."""
    told = {"status": link["status"], "link_id": link["id"]}
    return told | ({"code": link["link_code"]["code"]} if "link_code" in link else {})


def _shown(found: Json) -> Json:
    """TestConsent of a Consent."""
    told = {"purpose": found["purpose"], "decision": found["decision"]}
    return told | ({"scope": found["scope"]["kind"]} if "scope" in found else {})


def _refused(refusal: RefusedError) -> Json:
    return {"status": "refused", "reason": refusal.code}

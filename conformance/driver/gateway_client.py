"""Plays channels towards a gateway under certification: registers them by test control and trades as they would."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import spec
from conformance.discovery import declared
from conformance.driver.callback import Callback
from conformance.driver.client import Client, connections
from conformance.driver.shop import Json, Shop, succeeded, traceparent, word
from conformance.model import AbortedError
from conformance.timing import TICK
from conformance.transcript import Exchange, Transcript
from conformance.wire import operations

if TYPE_CHECKING:
    from conformance.runner import Target

# A gateway's own caps may be tight; a story that is not about them must not meet them.
WIDE = {"max_open_holds": 1000, "max_open_holds_per_buyer": 100, "rate_limit_per_minute": 100_000}
CORE = ("catalog", "inventory", "orders", "delivery", "events")
OPTIONAL = (
    "allotments",
    "identity",
    "ownership",
    "consent",
)  # scopes that only a gateway with the capability of that name knows

# Test control that only a gateway with the capability serves.
CONTROLS = {
    "test_recall_allotment": "allotments",
    "test_dismiss_dispute": "ownership",
    "test_move_token": "tokens",
    "test_renew_keys": "ownership",
    "test_list_buyer_changes": "identity",
    "test_read_mail": "identity",
    "test_trust_issuer": "identity",
    "test_set_tier": "identity",
}


class GatewaySession:
    """What a scenario can do: register channels, make fixtures, move the clock, ask anything of the gateway."""

    def __init__(self, target: Target, transcript: Transcript, client: Client, stack: AsyncExitStack) -> None:
        self.target, self.transcript, self.client = target, transcript, client
        self.capabilities: frozenset[str] = frozenset()
        self.origin = target.url.rstrip("/")
        self.api = self.origin + spec.PATH
        self.token_url = f"{self.api}/oauth/token"
        self._stack = stack

    @property
    def scopes(self) -> list[str]:
        """All that a channel can have here."""
        return [*CORE, *(name for name in OPTIONAL if name in self.capabilities)]

    def serves(self, operation: str) -> bool:
        """Whether the gateway is to serve it, by the capabilities that it declares."""
        scope = operations("gateway")[operation].scope
        needs = CONTROLS.get(operation) or (scope if scope in OPTIONAL else None)
        return needs is None or needs in self.capabilities

    async def ask(
        self,
        operation: str,
        label: str = "",
        *,
        path: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
        **more: Any,
    ) -> Exchange:
        """Send one request. `key` is the Idempotency-Key: None makes a new one where it is needed, "" sends none."""
        entry = operations("gateway")[operation]
        url = self.origin + entry.path.format(**(path or {}))
        if entry.path.startswith(spec.PATH):
            url = self.api + entry.path.format(**(path or {})).removeprefix(spec.PATH)
        sent = {"traceparent": traceparent()} | (headers or {})
        if entry.idempotent and key != "":
            sent.setdefault("Idempotency-Key", key or word("key"))
        if body is None and entry.request_type and entry.idempotent and "data" not in more:
            body = {}
        return await self.client.call(
            operation, entry.method, url, label=label, headers=sent, body=body, **more
        )

    async def test(self, operation: str, label: str = "", **more: Any) -> Exchange:
        """An operation of test control, with the right secret."""
        headers = {"VGCP-Test-Secret": self.target.test_secret} | more.pop("headers", {})
        return await self.ask(operation, label, headers=headers, **more)

    async def control(self, operation: str, label: str = "", **more: Any) -> Json:
        """As `test`, but gives the body; raises AbortedError unless it is a success."""
        return succeeded(await self.test(operation, label, **more))

    async def shop(self, label: str = "client", *, callback: Callback | None = None, **wish: Any) -> Shop:
        """A new channel with a token for all its scopes; `wish` overrides members of TestClientRequest."""
        body: Json = {"name": word("Channel"), "scopes": self.scopes} | WIDE | wish
        if callback:
            body["channel_url"] = callback.url
        seen = await self.control("test_create_client", label, body=body)
        name, secret, webhook = (
            str(seen.get(n, "")) for n in ("client_id", "client_secret", "webhook_secret")
        )
        self.transcript.secret(secret, webhook, quote_plus(secret))  # as it stands in a form, too
        shop = Shop(self, name, secret, webhook, callback=callback)
        shop.token = await self.token(shop)
        return shop

    async def access(self) -> str:
        """A token for all scopes, of a channel of its own."""
        return (await self.shop("robustness")).token

    async def token(self, shop: Shop, label: str = "token", scope: str = "") -> str:
        """A token by client secret; raises AbortedError when there is none."""
        form = {"grant_type": "client_credentials", "client_id": shop.id, "client_secret": shop.secret}
        answer = succeeded(await self.grant(form | ({"scope": scope} if scope else {}), label))
        value = answer.get("access_token")
        if not isinstance(value, str):
            raise AbortedError("the token endpoint gave no access_token")
        return value

    async def grant(self, form: dict[str, str], label: str, **headers: str) -> Exchange:
        """Ask the token endpoint."""
        sent = {"traceparent": traceparent(), **headers, "Content-Type": "application/x-www-form-urlencoded"}
        data = urlencode(form).encode()
        seen = await self.client.call(
            "issue_token", "POST", self.token_url, label=label, headers=sent, data=data
        )
        self.transcript.secret(str(seen.answer.get("access_token") or ""), form.get("client_assertion", ""))
        return seen

    async def callback(self, scheme: str, *answers: int, delay: float = 0.0) -> Callback:
        """A channel's event endpoint of this scheme; it answers by `answers` first, then 204."""
        listener = Callback(self.transcript, self.target.host, scheme, list(answers), delay)
        await self._stack.enter_async_context(listener)
        return listener

    async def stock(self, offer: Json, label: str) -> Json:
        """The books of an offer's stock."""
        return await self.control("test_get_stock", label, path={"offer_id": offer["id"]})

    async def change(self, offer: Json, label: str, **body: Any) -> Json:
        """Change an offer by test control."""
        return await self.control("test_update_offer", label, path={"offer_id": offer["id"]}, body=body)

    async def now(self) -> datetime:
        """The sandbox's time."""
        return await self.advance(0, "what time is it")

    async def advance(self, seconds: int, label: str = "advance") -> datetime:
        """Advance the sandbox's clock; raises AbortedError when it does not say what time it is now."""
        answer = await self.control("test_advance_clock", label, body={"advance_seconds": seconds})
        try:
            return datetime.fromisoformat(str(answer.get("now"))).astimezone(UTC)
        except ValueError as error:
            raise AbortedError("test_advance_clock gave no time") from error

    def codes(self, count: int) -> list[str]:
        """So many codes that nobody has."""
        made = [f"C-{secrets.token_hex(4)}-{secrets.token_hex(6)}".upper() for _ in range(count)]
        self.transcript.secret(*made)
        return made


@asynccontextmanager
async def open_session(target: Target, transcript: Transcript) -> AsyncIterator[GatewaySession]:
    """Read the gateway's discovery document; raises AbortedError when there is no gateway to certify."""
    async with (
        connections() as http,
        AsyncExitStack() as stack,
    ):
        session = GatewaySession(target, transcript, Client(transcript, http), stack)
        with transcript.scene("discovery"):
            await _discover(session)
            await _probe(session)
        yield session


async def _discover(session: GatewaySession) -> None:
    url = f"{session.origin}/.well-known/vgcp"
    sent = {"traceparent": traceparent()}
    seen = await session.client.call("get_discovery", "GET", url, label="discovery", headers=sent)
    document = seen.answer
    if seen.status != 200 or document.get("protocol") != "vgcp":
        raise AbortedError(f"no VGCP discovery document at {url} ({seen.error or f'status {seen.status}'})")
    session.capabilities = declared(document)
    found = document.get("endpoints")
    endpoints = found if isinstance(found, dict) else {}
    session.api = str(endpoints.get("api") or session.api).rstrip("/")
    session.token_url = str(endpoints.get("token") or session.token_url)
    if not session.api.startswith("http"):
        raise AbortedError("the discovery document gives no endpoints.api")


async def _probe(session: GatewaySession) -> None:
    """Test control must make a client, and another one when it is asked again: else nothing can be certified."""
    names = {(await session.shop("probe")).id for _ in range(2)}
    if len(names) != 2:
        raise AbortedError("test_create_client gives the same client twice; nothing can be certified")


async def settled(condition: Any, seconds: float) -> bool:
    """Wait until `condition()` is true, at most so long; whether it is."""
    for _ in range(int(seconds / TICK)):
        if condition():
            return True
        await asyncio.sleep(TICK)
    return bool(condition())

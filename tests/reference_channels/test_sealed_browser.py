"""Sealed delivery with a real gateway and a real Chromium: the buyer's screen has the code, the shop has not."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, Response

from tests.fixtures.browser import NEEDED
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import RunningGateway, in_process
from tests.reference_channels.browsing import EACH, Window, opened
from tests.reference_channels.conftest import RunningShop, running_shop

pytestmark = NEEDED
MARK = "SEALEDSHOP"
CODES = [f"{MARK}-{number}-ÄÖ-汉" for number in range(4)]
WORDS = {
    "en": {
        "offer": "only this browser",
        "opened": "Opened by your browser",
        "keyless": "money back and order again",
    },
    "zh": {"offer": "仅此浏览器", "opened": "已由您的浏览器打开", "keyless": "退款后重新购买"},
}


@dataclass
class Between:
    """Stands between shop and gateway, and keeps every byte that passes."""

    url: str = ""
    upstream: str = ""
    heard: list[bytes] = field(default_factory=list)

    async def passes(self, request: web.Request) -> web.Response:
        """Pass it on."""
        body = await request.read()
        kept = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                request.method, self.upstream + str(request.rel_url), data=body, headers=kept
            ) as answer,
        ):
            content = await answer.read()
            self.heard += [str(request.rel_url).encode(), body, str(answer.headers).encode(), content]
            headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
            return web.Response(status=answer.status, body=content, headers=headers)


@asynccontextmanager
async def between() -> AsyncIterator[Between]:
    """One on loopback."""
    bound, made = socket.create_server(("127.0.0.1", 0)), Between()
    made.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.passes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    try:
        yield made
    finally:
        await runner.cleanup()


@dataclass
class Scene:
    """A gateway, what passes between it and the shop, and the shop."""

    gateway: RunningGateway
    wire: Between
    shop: RunningShop
    folder: Path
    offer: dict[str, Any]

    async def seen_by_the_shop(self) -> bytes:
        """What the shop sent and got, logged and keeps."""
        lines = (await self.shop.control("GET", "/log"))["lines"]
        kept = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        return b"\n".join([*self.wire.heard, *(line.encode() for line in lines), *kept])


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> AsyncIterator[Scene]:
    """With four codes on sale. A parameter says whether the gateway seals."""
    seals = getattr(request, "param", True)
    folder = tmp_path / "shop"
    async with between() as wire:
        database = sqlite_database(tmp_path, sqlite_template)
        with in_process(database, public_url=wire.url, sealed_delivery=seals) as gateway:
            wire.upstream = gateway.url
            async with running_shop(folder, None, sync_every=3600) as shop:
                client = await gateway.channel("Lumen", channel_url=shop.url)
                names = ("client_id", "client_secret", "webhook_secret")
                connection = {"url": wire.url} | {name: getattr(client, name) for name in names}
                await shop.control("POST", "/reset", {"gateway": connection})
                offer = await gateway.offer(codes=CODES, price=500)
                await shop.sync()
                wire.heard.clear()
                yield Scene(gateway, wire, shop, folder, offer)


@pytest.fixture
async def window(request: pytest.FixtureRequest, scene: Scene, chromium: Browser) -> AsyncIterator[Window]:
    """A window with a profile of its own."""
    async with opened(chromium, scene.shop, **getattr(request, "param", {})) as window:
        yield window


async def pages_of(page: Page, into: list[bytes]) -> None:
    """Keep what the shop's pages bring to the browser, and what the browser posts."""

    async def keep(response: Response) -> None:
        into.append((response.request.post_data or "").encode())
        if response.status == 200:
            into.append(await response.body())

    page.on("response", lambda response: asyncio.ensure_future(keep(response)))


async def to_checkout(window: Window, scene: Scene) -> None:
    """By keyboard to the payment form."""
    await window.page.goto(f"{window.shop.url}/offers/{scene.offer['id']}")
    await window.press("form[action='/checkout'] button")


@pytest.mark.parametrize(("window", "language"), EACH, indirect=["window"])
async def test_only_the_buyers_browser_sees_the_code(
    scene: Scene, window: Window, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    """DLV-035, DLV-036: bought and opened by keyboard; neither wire, log, file nor page of the shop had the code."""
    caplog.set_level(logging.DEBUG)
    page, words, carried = window.page, WORDS[language], list[bytes]()
    await pages_of(page, carried)
    await to_checkout(window, scene)
    await page.wait_for_selector("[data-sealable]:not([hidden])")
    assert words["offer"] in await page.inner_text("main")
    assert not await page.locator("[data-unsealed]").is_visible()
    await window.accessible("checkout")
    await window.reach("#seal")
    await window.picture(f"sealing-{language}")
    await window.press("form[action$='/pay'] button")
    await window.press("form[action$='/reveal'] button")
    await page.wait_for_selector("[data-opened]:not([hidden])")
    assert await page.inner_text("[data-goods]") in CODES
    assert words["opened"] in await page.inner_text("main")
    assert (
        not await page.locator("[data-closed], [data-keyless], [data-broken], [data-link]")
        .filter(visible=True)
        .count()
    )
    await window.accessible("goods")
    await page.reload()
    exported = """async () => {
        const answer = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) });
        const db = await answer(indexedDB.open("sealed-delivery"));
        const keys = await answer(db.transaction("keys").objectStore("keys").getAll());
        const exporting = crypto.subtle.exportKey("jwk", keys[0].privateKey);
        return [keys.length, await exporting.then(() => "out", () => "kept")] }"""
    assert await page.evaluate(exported) == [1, "kept"]
    everything = b"\n".join([await scene.seen_by_the_shop(), *carried, caplog.text.encode()])
    assert b"recipient_key" in everything
    assert b'"sealed"' in everything
    assert MARK.encode() not in everything
    assert not window.said, "the console is silent"
    assert not window.foreign


async def test_another_browser_is_told_what_to_do(scene: Scene, window: Window) -> None:
    """DLV-037: with the key gone the page says so, and what can be done, in both languages."""
    page = window.page
    await to_checkout(window, scene)
    await page.wait_for_selector("[data-sealable]:not([hidden])")
    await page.click("form[action$='/pay'] button")
    await page.evaluate(
        "() => new Promise((done) => { indexedDB.deleteDatabase('sealed-delivery').onsuccess = done })"
    )
    for language in WORDS:
        await page.goto(f"{page.url.partition('?')[0].removesuffix('/reveal')}?lang={language}")
        await page.click("form[action$='/reveal'] button")
        await page.wait_for_selector("[data-keyless]:not([hidden])")
        assert WORDS[language]["keyless"] in await page.inner_text("[data-keyless]")
        assert not await page.locator("[data-goods]").is_visible()
        await window.accessible("keyless")
    assert MARK.encode() not in await scene.seen_by_the_shop()


async def test_what_was_changed_does_not_open(scene: Scene, window: Window) -> None:
    """A JWE of another delivery, or with a byte changed, is called broken, and shows nothing."""
    page = window.page
    await to_checkout(window, scene)
    await page.wait_for_selector("[data-sealable]:not([hidden])")
    await page.click("form[action$='/pay'] button")
    for old, new in (('data-delivery="', 'data-delivery="x'), (".", ".A")):

        async def meddle(route: Any, *, old: str = old, new: str = new) -> None:
            answer = await route.fetch()
            text = await answer.text()
            begin = text.index('data-jwe="') if old == "." else 0
            await route.fulfill(response=answer, body=text[:begin] + text[begin:].replace(old, new, 3))

        await page.route("**/reveal", meddle)
        await page.goto(page.url.removesuffix("/reveal"))
        await page.click("form[action$='/reveal'] button")
        await page.wait_for_selector("[data-broken]:not([hidden])")
        assert not await page.locator("[data-goods]").is_visible()
        await page.unroute("**/reveal")


@pytest.mark.parametrize("window", [{"java_script_enabled": False}], indirect=True)
async def test_without_scripts_delivery_is_ordinary_and_said_to_be(scene: Scene, window: Window) -> None:
    """The buyer is told before paying, and gets the code all the same."""
    page = window.page
    await page.goto(f"{window.shop.url}/offers/{scene.offer['id']}")
    await page.click("form[action='/checkout'] button")
    assert await page.locator("[data-unsealed]").is_visible()
    assert not await page.locator("#seal").is_visible()
    await page.click("form[action$='/pay'] button")
    await page.click("form[action$='/reveal'] button")
    assert await page.inner_text("[data-goods]") in CODES


async def test_the_buyer_can_do_without(scene: Scene, window: Window) -> None:
    """By keyboard: unchecked, no key is sent, and the code comes in the ordinary way."""
    await to_checkout(window, scene)
    await window.page.wait_for_selector("[data-sealable]:not([hidden])")
    await window.reach("#seal")
    await window.page.keyboard.press("Space")
    await window.press("form[action$='/pay'] button")
    await window.press("form[action$='/reveal'] button")
    assert await window.page.inner_text("[data-goods]") in CODES
    heard = b"".join(scene.wire.heard)
    assert b"/orders" in heard
    assert b"recipient_key" not in heard


@pytest.mark.parametrize("scene", [False], indirect=True)
async def test_a_gateway_that_does_not_seal_gets_no_key(scene: Scene, window: Window) -> None:
    """DLV-034: nothing is offered; a form that brings a key all the same is not sold in the clear unasked."""
    page = window.page
    await to_checkout(window, scene)
    assert not await page.locator("[data-seal]").count()
    key = '{"kty":"EC","crv":"P-256","x":"a","y":"b"}'
    script = """key => {
        const field = document.createElement("input");
        Object.assign(field, { name: "recipient_key", type: "hidden", value: key });
        document.querySelector("form[action$='/pay']").append(field) }"""
    await page.evaluate(script, key)
    await page.click("form[action$='/pay'] button")
    assert await page.locator("[role=alert]").is_visible()
    await window.accessible("asked again")
    await page.click("form[action$='/pay'] button")
    await page.click("form[action$='/reveal'] button")
    assert await page.inner_text("[data-goods]") in CODES
    heard = b"".join(scene.wire.heard)
    assert b"/orders" in heard
    assert b"recipient_key" not in heard

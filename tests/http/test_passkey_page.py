"""The page for passkeys in Chromium with an authenticator of its own: by keyboard, accessible, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page

from gateway.http.passkey_page import language
from tests.fixtures.browser import accessible, needs_chromium
from tests.fixtures.buyers import Person, resolved
from tests.fixtures.gateway import RunningGateway, call, in_process

# It is asked for at once, and says yes.
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
LOCALES = {"en": "en-US", "zh": "zh-CN"}
SIZES: Any = [{"width": 1280, "height": 860}, {"width": 360, "height": 800}]
WORDS = {
    "en": {
        "ask": "Use my passkey",
        "done": "Your code",
        "nowhere": "and nowhere else",
        "expired": "begin anew",
    },
    "zh": {
        "ask": "使用我的通行密钥",
        "done": "您的验证码",
        "nowhere": "不要在其他任何地方输入",
        "expired": "重新开始",
    },
}
SHOP = "Shop <b>& Söhne</b>"


@pytest.fixture
def named(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that is called by a name, which passkeys want."""
    with in_process(f"sqlite:///{tmp_path}/gateway.db", host="localhost") as gateway:
        yield gateway


class Visit:
    """A window of a buyer's, and her device. `foreign` are requests to elsewhere, `said` what the console tells."""

    def __init__(self, page: Page, cdp: CDPSession, device: str) -> None:
        self.page, self.cdp, self.device = page, cdp, device
        self.foreign: list[str] = []
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.set_default_timeout(20_000)

    async def press(self, selector: str) -> None:
        """Tab until the focus is there and can be seen, and press Enter."""
        here = "s => document.activeElement !== null && document.activeElement.matches(s)"
        for _ in range(20):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate(here, selector):
                break
        else:
            raise AssertionError(f"the keyboard does not reach {selector}")
        outline = "() => getComputedStyle(document.activeElement).outlineStyle"
        assert await self.page.evaluate(outline) != "none"
        await self.page.keyboard.press("Enter")

    async def code(self) -> str:
        """What is shown in the end."""
        await self.page.locator("#done").wait_for()
        assert await self.page.evaluate("() => document.activeElement.id") == "yours"
        return await self.page.inner_text("#code")

    async def trouble(self, which: str) -> str:
        """The one thing that is wrong, in words."""
        await self.page.locator(f"#{which}").wait_for()
        assert await self.page.locator(".trouble:visible").count() == 1
        return await self.page.inner_text(f"#{which}")

    async def verifies(self, user: bool) -> None:
        """Whether she shows her device who she is."""
        await self.cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.device, "isUserVerified": user}
        )

    async def passkeys(self) -> list[Any]:
        """Those on her device."""
        found = await self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.device})
        return list(found["credentials"])


@asynccontextmanager
async def visiting(chromium: Browser, locale: str = "en-US") -> AsyncIterator[Visit]:
    """A window with a device that has no passkeys yet."""
    context = await chromium.new_context(locale=locale, viewport=SIZES[0])
    page = await context.new_page()
    cdp = await context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield Visit(page, cdp, made["authenticatorId"])
    await context.close()


async def begun(gateway: RunningGateway, channel: str = SHOP) -> tuple[Person, dict[str, Any]]:
    """A buyer of a channel of that name, who wants to prove who she is."""
    who = await resolved(await gateway.channel(channel))
    return who, (await who.begin("passkey")).json


@needs_chromium
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_made_for_one_account_and_used_for_another(
    named: RunningGateway, chromium: Browser, lang: str
) -> None:
    """PSK-001: by keyboard alone, and the two are one buyer; axe finds nothing on the way, and nothing is asked
    of anybody else."""
    words = WORDS[lang]
    people = [await begun(named), await begun(named, "Bot")]
    async with visiting(chromium, LOCALES[lang]) as visit:
        page = visit.page
        page.on("request", lambda one: visit.foreign.append(one.url))
        for n, (who, link) in enumerate(people):
            await page.goto(link["passkey"]["url"])
            await page.locator("#ask").wait_for()
            assert page.url == f"{named.url}/passkey"
            assert await page.get_attribute("html", "lang") == lang
            text = await page.inner_text("main")
            assert words["ask"] in text
            assert (SHOP, "Bot")[n] in text
            await accessible(page, f"ask {n}", SIZES)
            await visit.press("#use" if n else "#make")
            code = await visit.code()
            text = await page.inner_text("main")
            assert words["done"] in text
            assert words["nowhere"] in text
            await accessible(page, f"done {n}", SIZES)
            assert (await who.confirm(link, code=code)).status == 200
        assert len(await visit.passkeys()) == 1
        assert [one for one in visit.foreign if not one.startswith((named.url, "data:"))] == []
        assert visit.said == []
    assert [(await who.profile())["linked"] for who, _ in people] == [True, True]


@needs_chromium
async def test_the_page_can_be_loaded_again_and_the_code_copied(
    named: RunningGateway, chromium: Browser
) -> None:
    """The ticket is out of the address and not lost; another link in the same window is a page of its own."""
    links = [(await begun(named))[1] for _ in range(2)]
    async with visiting(chromium) as visit:
        page = visit.page
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=named.url)
        for link in links:
            await page.goto(link["passkey"]["url"])
            await page.locator("#ask").wait_for()
            await page.reload()
            await visit.press("#make")
            code = await visit.code()
            await visit.press("#copy")
            await page.get_by_text("Copied.").wait_for()
            assert await page.evaluate("() => navigator.clipboard.readText()") == code
            assert await page.evaluate("() => history.state") is None


@needs_chromium
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_what_goes_wrong_is_said(named: RunningGateway, chromium: Browser, lang: str) -> None:
    """PSK-009, PSK-010: no ticket, a device that does not know her, a passkey nobody knows, a link that is over."""
    _, link = await begun(named)
    async with visiting(chromium, LOCALES[lang]) as visit:
        page = visit.page
        await page.goto(f"{named.url}/passkey")
        await visit.trouble("no_ticket")
        await page.goto(f"{named.url}/passkey#short")
        await visit.trouble("no_ticket")
        await page.goto(link["passkey"]["url"])
        await page.locator("#ask").wait_for()
        await visit.verifies(False)
        await visit.press("#make")
        await visit.trouble("nothing")
        await visit.verifies(True)
        await visit.press("#make")
        await visit.code()
        _, link = await begun(named)
        await page.goto(link["passkey"]["url"])
        await page.locator("#ask").wait_for()
        await visit.press("#use")
        await visit.trouble("unknown")
        await accessible(page, "unknown", SIZES)
        await named.control("/clock", {"advance_seconds": 900})
        await visit.press("#use")
        assert WORDS[lang]["expired"] in await visit.trouble("expired")
        assert await page.locator("button:visible").count() == 0
        await accessible(page, "expired", SIZES)


@needs_chromium
async def test_an_address_that_is_no_name_is_told(tmp_path: Path, chromium: Browser) -> None:
    """Browsers have no passkeys for such a page, and it says so in place of failing."""
    with in_process(f"sqlite:///{tmp_path}/gateway.db") as gateway:
        _, link = await begun(gateway)
        async with visiting(chromium) as visit:
            await visit.page.goto(link["passkey"]["url"])
            assert "https" in await visit.trouble("address")


@needs_chromium
async def test_a_gateway_that_does_not_answer_is_told(named: RunningGateway, chromium: Browser) -> None:
    """What was not answered may be asked again, by the same button."""
    _, link = await begun(named)
    async with visiting(chromium) as visit:
        page = visit.page
        await page.goto(link["passkey"]["url"])
        await page.locator("#ask").wait_for()
        await named.control("/faults", {"operation_id": "finish_passkey", "count": 1, "status": 503})
        await visit.press("#make")
        await visit.trouble("busy")
        await page.keyboard.press("Enter")
        await visit.code()


async def test_the_page_is_closed_to_everything_else(named: RunningGateway) -> None:
    """Nothing but its own script runs, nobody frames it, no cache keeps it, and its address is sent on to nobody."""
    answer = await call("GET", f"{named.url}/passkey", headers={"Accept-Language": "zh-CN,en;q=0.5"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert '<html lang="zh">' in answer.body.decode()
    refused = await call("POST", f"{named.url}/passkey", json={})
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert b'"passkey_page"' in b"".join(named.log_lines)


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [("", "en"), ("zh", "zh"), ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,zh;q=0.9", "en"), ("de, zh;q=0.1", "zh"),
     ("fr", "en"), ("zh;q=0, en;q=0.1", "en"), ("zh;q=x", "en")],
)  # fmt: skip
def test_the_language_is_hers(accepted: str, wanted: str) -> None:
    """The one of ours that her browser wants most, and else English."""
    assert language(accepted) == wanted

"""One person in the chat and in the web shop, at the gateway of this repository: linked by a code of the one that is
entered in the other, she owns in both what she bought in either."""

from __future__ import annotations

import re
from pathlib import Path

from reference_channels.trade import ownership
from tests.fixtures.authenticator import Authenticator
from tests.fixtures.passkeys import shown
from tests.reference_channels.ada import Ada
from tests.reference_channels.chatbot.conftest import Scene, connect
from tests.reference_channels.chatbot.test_conversation import bought, code_in
from tests.reference_channels.conftest import running_shop


async def test_one_person_over_two_channels(scene: Scene, tmp_path: Path) -> None:
    """Bought here and there, and linked: the chat shows what she bought in the shop once she allows it there."""
    await scene.stock()
    await bought(scene, scene.ada)
    async with running_shop(tmp_path / "shop", None, name="Web", sync_every=3600) as shop:
        await connect(scene.gateway, shop)
        offer = await scene.gateway.offer(codes=["WEB-1"], price=700, product_name="Night course")
        await shop.sync()
        async with Ada(shop) as browser:
            await browser.buy(offer)
            await browser.pay()
            await scene.ada.says("/link", "stands alone")
            shown = await scene.ada.asks("Show me a code", "Enter this code on your other account")
            await browser.go("/accounts")
            await browser.press("/redeem", code=code_in(shown))
            assert browser.status == 200, browser.html
            assert "Night course" not in str(
                (await scene.ada.says("/mygoods", "Everything that is yours"))["buttons"]
            )
            await browser.go("/data")
            await browser.press("/data/personalisation", scope="all_channels")
            await scene.ada.says("/mygoods", "Everything that is yours")
            said = await scene.ada.until(lambda each: "Night course" in str(each["buttons"]))
            assert "A game" in str(said["buttons"])


async def test_linked_by_the_same_passkey(scene: Scene, tmp_path: Path) -> None:
    """PSK-001: made on the way from the shop and used on the way from the chat, which then is the same buyer's."""
    key = Authenticator(scene.gateway.url)
    await scene.stock()
    await bought(scene, scene.ada)
    async with running_shop(tmp_path / "shop", None, name="Web", sync_every=3600) as shop:
        await connect(scene.gateway, shop)
        await shop.sync()
        async with Ada(shop) as browser:
            await browser.go("/accounts")
            page = await browser.press("/passkey")
            (way,) = re.findall(r'href="([^"]+/passkey#[^"]+)"', page)
            await browser.press("/confirm", code=await shown(scene.gateway, way, key, new=True))
            assert "Passkey" in browser.html
            await browser.go("/data")
            await browser.press("/data/personalisation", scope="all_channels")
            await scene.ada.says("/link", "stands alone")
            await scene.ada.asks("With a passkey", "the merchant's, 127.0.0.1")
            code = await shown(scene.gateway, scene.ada.link("Open the merchant's page"), key)
            await scene.ada.says(code.lower(), "Linked.")
            assert "A game" in await browser.go("/goods")


async def test_what_a_limit_leaves_is_seen_in_both(scene: Scene, tmp_path: Path) -> None:
    """Bought in the shop and linked with the chat: both say how many more she may buy."""
    async with running_shop(tmp_path / "shop", None, name="Web", sync_every=3600) as shop:
        await connect(scene.gateway, shop)
        limit = {"purchase_limit": {"quantity": 3, "days": 30}}
        offer = await scene.gateway.offer(quantity=9, delivery_kind="licence", price=700, restrictions=limit)
        await shop.sync()
        await scene.stock()
        async with Ada(shop) as browser:
            await browser.buy(offer)
            await browser.pay()
            await scene.ada.says("/link", "stands alone")
            shown = await scene.ada.asks("Show me a code", "Enter this code on your other account")
            page = await browser.go("/accounts")
            assert "2 more, of 3 for one buyer in 30 days" in page
            await browser.press("/redeem", code=code_in(shown))
        await scene.ada.says("/link", "2 more, of 3 for one buyer in 30 days")


async def test_proven_and_handed_on_to_the_other_channel(scene: Scene, tmp_path: Path) -> None:
    """The proof from the chat verifies; handed on in the shop it is worth nothing, and the new owner opens the good."""
    await scene.stock()
    await bought(scene, scene.ada)
    async with running_shop(tmp_path / "shop", None, name="Web", sync_every=3600) as shop:
        await connect(scene.gateway, shop)
        await shop.sync()
        await scene.ada.says("/mygoods", "Everything that is yours")
        await scene.ada.asks("A game", "since")
        proof = (await scene.ada.asks("Prove it: what it is", "A signed file"))["document"].decode()
        assert "product_name" in {ownership.claim(each) for each in proof.split("~")[1:-1]}
        client = await scene.bot.parts.link.client()
        assert (await client.verify_certificate({"certificate": proof}))["valid"]
        offered = await scene.ada.asks("Hand it on", "Give this code to the new owner")
        async with Ada(shop) as ben:
            await ben.go("/goods")
            assert "A game" in await ben.press("/accept", code=code_in(offered))
            await ben.go(re.findall(r'href="(/goods/ent_[^"]+)"', ben.html)[0])
            assert "CODE-" in await ben.press("/open")
        assert not (await client.verify_certificate({"certificate": proof}))["valid"]
        await scene.ada.says("/mygoods", "Everything that is yours")
        await scene.ada.until(lambda each: "Handed on" in str(each["buttons"]))

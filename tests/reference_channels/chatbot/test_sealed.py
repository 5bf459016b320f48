"""Sealed to a browser, from a chat: one-time links, and a key that the bot never has."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from tests.reference_channels.chatbot.conftest import Scene, scene_of
from tests.reference_channels.chatbot.test_conversation import bought, looked

KEY = ECKey.generate_key("P-256", private=True)
# The standard names order and delivery in the header (DLV-024).
LENIENT = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"], strict_check_header=False)
PUBLIC = {name: KEY.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}


async def page(scene: Scene, url: str, data: dict[str, str] | None = None) -> tuple[int, str]:
    """Open a page of the bot's, or press its button."""
    method = "GET" if data is None else "POST"
    async with scene.bot.http.request(method, url, data=data) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, html.unescape(await answer.text())


async def sealed(scene: Scene) -> None:
    """Bought, and sealed to this test's key."""
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    await scene.ada.asks("Seal it to my browser", "The link works once")
    url = scene.ada.link("Make a key")
    assert (await page(scene, url))[0] == 200
    status, said = await page(scene, url, {"recipient_key": json.dumps(PUBLIC)})
    assert (status, "Go back to the chat" in said) == (200, True)
    await scene.ada.reads("It will be sealed to your browser")
    await scene.ada.asks("Go on to pay", "Kept for you")
    await scene.ada.asks("Pay", "it is yours")


async def test_a_sealed_purchase(scene: Scene) -> None:
    """The goods come as a JWE that only the key opens; the bot has neither seen nor kept them."""
    await scene.stock(codes=["SEALED-CODE"])
    await sealed(scene)
    await scene.ada.asks("Open in my browser", "Open this page in the browser that you sealed it to")
    url = scene.ada.link("Open my goods")
    assert "data-jwe" not in (await page(scene, url))[1]
    _, shown = await page(scene, url, {})
    (compact,) = re.findall(r'data-jwe="([^"]+)"', shown)
    opened = jwe.decrypt_compact(compact, KEY, registry=LENIENT)
    assert b"SEALED-CODE" in (opened.plaintext or b"")
    assert b"SEALED-CODE" not in await scene.written()
    assert "SEALED-CODE" not in str(scene.ada.sees) + shown


async def test_a_link_works_once(scene: Scene) -> None:
    """Looking does not use it up, the button does; afterwards, and for another purpose, it is nothing."""
    await scene.stock()
    await sealed(scene)
    await scene.ada.asks("Open in my browser", "that you sealed it to")
    url = scene.ada.link("Open my goods")
    assert (await page(scene, url.replace("/open?", "/seal?")))[0] == 404
    for _ in range(2):
        assert (await page(scene, url))[0] == 200
    assert (await page(scene, url, {}))[0] == 200
    assert (await page(scene, url, {}))[0] == 404
    assert (await page(scene, url))[0] == 404


async def test_a_link_ends_after_a_quarter_of_an_hour(scene: Scene) -> None:
    """And its token is in no log and, in the clear, in no database."""
    await scene.stock()
    await sealed(scene)
    await scene.ada.asks("Open in my browser", "that you sealed it to")
    url = scene.ada.link("Open my goods")
    assert (await page(scene, url))[0] == 200
    assert url.partition("t=")[2].encode() not in await scene.written()
    await scene.bot.control("POST", "/clock", {"advance_seconds": 901})
    assert (await page(scene, url))[0] == 404


@pytest.mark.parametrize(
    "key",
    [json.dumps({**PUBLIC, "d": "AAAA"}), "no JSON", json.dumps({"kty": "oct", "k": "AAAA"})],
    ids=["private", "no JSON", "symmetric"],
)
async def test_what_no_browser_sends_is_refused(scene: Scene, key: str) -> None:
    """DLV-036: a private key is refused, and the link stays good for the right one."""
    await scene.stock()
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    await scene.ada.asks("Seal it to my browser", "The link works once")
    url = scene.ada.link("Make a key")
    assert (await page(scene, url, {"recipient_key": key}))[0] == 400
    assert (await page(scene, url, {"recipient_key": json.dumps(PUBLIC)}))[0] == 200


async def test_a_browser_that_cannot_seal_is_told(scene: Scene) -> None:
    """Nothing was sealed, and the link is still good."""
    await scene.stock()
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    await scene.ada.asks("Seal it to my browser", "The link works once")
    status, said = await page(scene, scene.ada.link("Make a key"), {})
    assert (status, "this browser cannot seal" in said) == (422, True)


async def test_a_gateway_that_does_not_seal_is_not_asked_to(tmp_path: Path, sqlite_template: Path) -> None:
    """DLV-034: the button is not there."""
    async with scene_of(tmp_path, sqlite_template, sealed_delivery=False) as scene:
        await scene.stock()
        await bought(scene, scene.ada)
        assert not [each for each in scene.ada.sees if any("Seal" in one["text"] for one in each["buttons"])]

"""One person over two shops and the gateway of this repository, over the wire and through the pages."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
import zipfile
from pathlib import Path

from click.testing import CliRunner

from conformance.commands.ownership import ownership as holder
from reference_channels.trade import ownership
from tests.fixtures.authenticator import Authenticator, encoded
from tests.fixtures.gateway import RunningGateway
from tests.fixtures.passkeys import shown
from tests.reference_channels.ada import Ada
from tests.reference_channels.conftest import RunningShop


async def bought(real: RunningGateway, browser: Ada, product: str) -> None:
    """Buy a product of that name."""
    offer = await real.offer(codes=[f"{product}-1", f"{product}-2"], price=500, product_name=product)
    await browser.shop.sync()
    await browser.buy(offer)
    await browser.pay()
    assert browser.path.startswith("/orders/"), browser.html


async def code_of(browser: Ada, action: str, name: str) -> str:
    """Press a button that has a code shown."""
    page = await browser.press(action)
    found = re.findall(rf'<code id="{name}">([^<]+)</code>', page)
    assert found, page
    return str(found[0])


async def eventually(browser: Ada, page: str, words: str) -> None:
    """Look at a page until it says so."""
    deadline = time.monotonic() + 10
    while words not in await browser.go(page):
        assert time.monotonic() < deadline, browser.html
        await asyncio.sleep(0.05)


async def test_bought_in_two_shops_and_seen_in_one(real: RunningGateway, shops: list[RunningShop]) -> None:
    """Linked by a code, goods of the other shop are seen while she allows it there, and not before or after."""
    async with Ada(shops[0]) as here, Ada(shops[1]) as there:
        await bought(real, here, "Harbour")
        await bought(real, there, "Teahouse")
        await there.go("/accounts")
        code = await code_of(there, "/show", "link-code")
        await here.go("/accounts")
        await here.press("/redeem", code=code)
        assert "Code from one account to another" in here.html
        assert "Teahouse" not in await here.go("/goods")
        await there.go("/data")
        await there.press("/data/personalisation", scope="all_channels")
        page = await here.go("/goods")
        assert "Teahouse" in page
        assert "by Nacre" in page
        await there.press("/data/personalisation")
        assert "Teahouse" not in await here.go("/goods")


async def test_linked_by_mail_and_parted_again(real: RunningGateway, shops: list[RunningShop]) -> None:
    """The same address confirmed in both shops joins them; ending the link parts them as they were."""
    async with Ada(shops[0]) as here, Ada(shops[1]) as there:
        for browser, product in ((here, "Harbour"), (there, "Teahouse")):
            await bought(real, browser, product)
            await browser.go("/accounts")
            await browser.press("/mail", email="ada@shop.example")
            mails = (await real.control("/mails/read", {"email": "ada@shop.example"})).json["mails"]
            (code,) = re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b|\b\d{6,8}\b", mails[-1]["text"])[:1]
            await browser.press("/confirm", code=code)
            assert "E-mail address, confirmed" in browser.html
        await there.go("/data")
        await there.press("/data/personalisation", scope="all_channels")
        assert "Teahouse" in await here.go("/goods")
        await here.go("/accounts")
        await here.press("/unlink")
        assert "Teahouse" not in await here.go("/goods")
        assert "Harbour" in here.html


async def test_linked_by_the_same_passkey(real: RunningGateway, shops: list[RunningShop]) -> None:
    """PSK-001: made for one shop and used for the other; neither learns anything that names the passkey."""
    key = Authenticator(real.url)
    async with Ada(shops[0]) as here, Ada(shops[1]) as there:
        for browser, product in ((here, "Harbour"), (there, "Teahouse")):
            await bought(real, browser, product)
            await browser.go("/accounts")
            page = await browser.press("/passkey")
            (way,) = re.findall(r'href="([^"]+/passkey#[^"]+)"', page)
            assert "This code is not right" in await browser.press("/confirm", code="AAAA-AAAA")
            code = await shown(real, way, key, new=browser is here)
            assert 'id="link-1">Passkey' in await browser.press("/confirm", code=code)
            assert encoded(key.id) not in browser.html
        await there.go("/data")
        await there.press("/data/personalisation", scope="all_channels")
        assert "Teahouse" in await here.go("/goods")
        await here.go("/accounts")
        await here.press("/unlink")
        assert "Teahouse" not in await here.go("/goods")


async def test_proven_and_handed_on_to_the_other_shop(real: RunningGateway, shops: list[RunningShop]) -> None:
    """The proof verifies with what she chose; handed on, it is worth nothing, and the new owner opens the good."""
    async with Ada(shops[0]) as ada, Ada(shops[1]) as ben:
        await bought(real, ada, "Harbour")
        (place,) = re.findall(r'href="(/goods/ent_[^"]+)"', await ada.go("/goods"))
        await ada.go(place)
        file = await ada.press("certificate", **{"show.product": "on"})
        client = await ada.shop.parts.link.client()
        verdict = await client.verify_certificate({"certificate": file})
        assert verdict["valid"], verdict
        assert verdict["claims"]["product_name"] == "Harbour"
        assert "price" not in verdict["claims"]
        assert {ownership.claim(each) for each in file.split("~")[1:-1]} >= {"product_name"}
        await ada.go(place)
        code = await code_of(ada, "/transfer", "transfer-code")
        await ben.go("/goods")
        assert "Harbour" in await ben.press("/accept", code=code)
        assert not (await client.verify_certificate({"certificate": file}))["valid"]
        await ben.go(re.findall(r'href="(/goods/ent_[^"]+)"', ben.html)[0])
        assert "Harbour-" in await ben.press("/open")
        assert "Handed on" in await ada.go("/goods")


async def test_bound_to_her_key_and_shown_with_it(
    real: RunningGateway, shops: list[RunningShop], tmp_path: Path
) -> None:
    """What the command prints is pasted in the shop; the file that she gets is shown with her key and no other."""
    key, other, file = (str(tmp_path / name) for name in ("holder.jwk", "other.jwk", "proof.sd-jwt"))
    run, asked = CliRunner().invoke, ["--nonce", "n-1", "--audience", "https://venue.example"]
    public = run(holder, ["key", key]).stdout
    run(holder, ["key", other])
    async with Ada(shops[0]) as ada:
        await bought(real, ada, "Harbour")
        (place,) = re.findall(r'href="(/goods/ent_[^"]+)"', await ada.go("/goods"))
        await ada.go(place)
        damaged = json.loads(public)
        damaged["y"] = damaged["x"]
        assert "This key is damaged" in await ada.press("certificate", holder_key=json.dumps(damaged))
        await ada.go(place)
        Path(file).write_text(
            await ada.press("certificate", holder_key=public, **{"show.product": "on", "show.date": "on"})
        )
        shown = run(holder, ["present", file, "--show", "acquired_at", "--key", key, *asked])
        assert run(holder, ["present", file, "--key", other, *asked]).exit_code == 1
        client = await ada.shop.parts.link.client()
        wanted = {"certificate": shown.stdout.strip(), "nonce": "n-1", "audience": "https://venue.example"}
        verdict = await client.verify_certificate(wanted)
        assert (verdict["valid"], verdict["holder_proven"]) == (True, True), verdict
        assert verdict["claims"].keys() & {"acquired_at", "product_name", "price"} == {"acquired_at"}
        replayed = await client.verify_certificate({**wanted, "nonce": "n-2"})
        assert replayed["reasons"] == ["holder_proof_invalid"]


async def test_consents_come_with_receipts(real: RunningGateway, shops: list[RunningShop]) -> None:
    """What she decided is told in her language, and signed; a withdrawal in one shop reaches the other by an event."""
    async with Ada(shops[0], "zh") as here, Ada(shops[1]) as there:
        await bought(real, here, "Harbour")
        await bought(real, there, "Teahouse")
        await here.go("/accounts")
        code = await code_of(here, "/show", "link-code")
        await there.go("/accounts")
        await there.press("/redeem", code=code)
        await here.go("/data")
        await here.press("/data/personalisation", scope="all_channels")
        page = await here.go("/data/personalisation")
        assert "已允许" in page
        assert re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", page)
        await there.go("/data")
        await eventually(there, "/", "What suits you")
        await here.go("/data")
        await here.press("/data/personalisation")
        deadline = time.monotonic() + 10
        while "What suits you" in await there.go("/"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_taken_along_and_erased(real: RunningGateway, shops: list[RunningShop]) -> None:
    """The archive has the order and no goods; after erasing, neither the gateway nor the shop knows her."""
    async with Ada(shops[0]) as ada:
        await bought(real, ada, "Harbour")
        await ada.go("/data")
        fields = ada.form("/data/export")
        async with ada.http.post(f"{ada.shop.url}/data/export", data=fields) as answer:
            archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
        manifest = json.loads(archive.read("manifest.json"))
        everything = b"".join(archive.read(name) for name in archive.namelist())
        assert b"Harbour-1" not in everything
        assert b"Harbour-2" not in everything
        assert {each["name"] for each in manifest["files"]} <= set(archive.namelist())
        await ada.go("/data/erase")
        assert "Your data is erased" in await ada.press("/data/erase", sure="on")
        assert "Nothing here yet" in await ada.go("/goods")
        assert "No orders yet" in await ada.go("/orders")

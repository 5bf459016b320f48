"""One buyer over all channels, in the chat: linking, goods, proof, handing on, consent, erasure; at a gateway that the
suite plays."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from reference_channels.trade import ownership
from tests.reference_channels.chatbot.bot_api import BotApi
from tests.reference_channels.chatbot.conftest import Scene, running_bot, telegram
from tests.reference_channels.chatbot.people import Person
from tests.reference_channels.chatbot.test_conversation import code_in
from tests.reference_channels.conftest import RunningShop


@dataclass
class World:
    """The bot at the played gateway; Ada has bought Harbour Nights."""

    played: PlayedGateway
    bot: RunningShop
    ada: Person
    folder: Path

    async def buyer(self) -> str:
        """What Ada's orders call her."""
        row = await self.bot.parts.db.run(lambda db: db.execute("select buyer from intents").fetchone())
        return str(row[0])

    async def written(self) -> bytes:
        """Everything that the bot has logged or keeps."""
        return await Scene.written(self)  # type: ignore[arg-type]


@pytest.fixture
async def world(played: PlayedGateway, tmp_path: Path) -> AsyncIterator[World]:
    """She has just paid."""
    price = {"amount": 1999, "currency": "EUR"}
    wish = {"product_name": "Harbour Nights", "price": price, "delivery_kind": "code", "codes": ["PLAYED-1"]}
    async with BotApi() as api:
        async with running_bot(tmp_path / "bot", telegram(api)) as bot:
            await bot.control("POST", "/reset", {"gateway": played.connection()})
            await played.control("POST", "/offers", wish)
            await bot.sync()
            ada = Person(api)
            await looked_and_bought(ada)
            yield World(played, bot, ada, tmp_path / "bot")
        assert api.wrong == []


async def looked_and_bought(person: Person) -> None:
    """From hello to the paid order."""
    await person.says("/start", "What are you looking for?")
    await person.asks("Everything", "Page 1 of 1")
    await person.asks("Harbour Nights", "shown right after payment")
    await person.asks("Buy 1", "Kept for you")
    await person.asks("Pay", "it is yours")


async def test_goods_of_all_channels_with_their_state(world: World) -> None:
    """BUY-016, BUY-017: what she bought here and elsewhere, and how it stands."""
    world.played.world.grant(await world.buyer(), "Kyoto <Tea>", status="suspended")
    said = await world.ada.says("/mygoods", "Everything that is yours")
    labels = [each["text"] for each in said["buttons"]]
    assert "Harbour Nights · Yours" in labels
    assert "Kyoto <Tea> · On hold" in labels
    one = await world.ada.asks("Kyoto", "On hold · since")
    assert "Another channel" in one["text"]
    ben = Person(world.ada.api, 9)
    assert await ben.says("/mygoods", "Nothing here yet")


async def test_a_good_is_opened_from_the_list(world: World) -> None:
    """The goods of all channels lead to the code, too."""
    await world.ada.says("/mygoods", "Everything that is yours")
    await world.ada.asks("Harbour Nights · Yours", "since")
    await world.ada.asks("Open it", "it is yours")
    assert code_in(await world.ada.asks("Show my code", "For your eyes only")) == "PLAYED-1"


async def test_a_token_says_where_it_is(world: World) -> None:
    """TOK-008: on its card, to copy; a code has no such line."""
    token = {"chain": "eip155:1", "asset": "eip155:1/erc721:0xfB69<b>/77", "token_id": "77"}
    world.played.world.grant(await world.buyer(), "Dragon", token=token)
    await world.ada.says("/mygoods", "Everything that is yours")
    assert "Token" not in (await world.ada.asks("Harbour Nights", "since"))["text"]
    await world.ada.asks("My goods", "Everything that is yours")
    assert code_in(await world.ada.asks("Dragon", "Token 77 on eip155:1")) == token["asset"]


@pytest.mark.parametrize(("label", "shown"), [("what it is", 2), ("everything", 3)])
async def test_the_proof_shows_what_she_chooses(world: World, label: str, shown: int) -> None:
    """BUY-018: the gateway's certificate as a document, with those disclosures only."""
    await world.ada.says("/certificate", "Everything that is yours")
    await world.ada.asks("Harbour Nights · Yours", "since")
    said = await world.ada.asks(f"Prove it: {label}", "A signed file")
    signed, *disclosed, end = said["document"].decode().split("~")
    (issued,) = [
        each.answer["certificate"] for each in world.played.transcript.all(operation="issue_certificate")
    ]
    assert issued.startswith(signed + "~")
    assert set(disclosed) <= set(issued.split("~"))
    assert len(disclosed) >= shown
    told = {ownership.claim(each) for each in disclosed}
    assert ("entitlement_id" in told) == (label == "everything")
    assert end == ""


async def test_handing_on_and_taking(world: World) -> None:
    """BUY-020 to BUY-022: a code for her eyes, once; entered by another, it is his; a wrong one is told."""
    await world.ada.says("/mygoods", "Everything that is yours")
    await world.ada.asks("Harbour Nights · Yours", "since")
    offered = await world.ada.asks("Hand it on", "Give this code to the new owner")
    assert offered["protected"]
    ben = Person(world.ada.api, 9)
    await ben.says("/transfer", "enter the code that you were given")
    await ben.asks("Enter a code", "Please write me the code")
    await ben.says("nonsense", "We do not know this code. Please check it. Please write it again.")
    await ben.says(code_in(offered), "Harbour Nights is yours now.")
    await ben.asks("Look at it", "Yours · since")
    await world.ada.says("/mygoods", "Everything that is yours")
    await world.ada.until(lambda each: any("Handed on" in one["text"] for one in each["buttons"]))
    gone = await world.ada.asks("Handed on", "Harbour Nights\nHanded on")
    assert "since" not in gone["text"]
    hidden = await world.ada.asks("Hide it", "Hidden. The code works on")
    assert hidden["id"] == offered["id"]
    assert code_in(offered).encode() not in b"".join(
        line.encode() for line in (await world.bot.control("GET", "/log"))["lines"]
    )


async def test_an_offer_is_taken_back(world: World) -> None:
    """Its code is worth nothing any more."""
    await world.ada.says("/mygoods", "Everything that is yours")
    card = await world.ada.asks("Harbour Nights · Yours", "since")
    offered = await world.ada.asks("Hand it on", "Give this code to the new owner")
    await world.ada.writes("/mygoods")
    await world.ada.until(lambda each: "Everything that is yours" in each["text"] and each["id"] > card["id"])
    await world.ada.asks("Harbour Nights", "It is offered to somebody")
    await world.ada.presses("Take the offer back")
    await world.ada.until(lambda each: any("Hand it on" in one["text"] for one in each["buttons"]))
    ben = Person(world.ada.api, 9)
    await ben.says("/transfer", "enter the code")
    await ben.asks("Enter a code", "Please write me the code")
    await ben.says(code_in(offered), "was used already, or the offer was taken back")


async def test_anothers_goods_are_not_there(world: World) -> None:
    """BUY-019: a made-up button of another's goods leads nowhere, and the gateway is not asked for it."""
    await world.ada.says("/mygoods", "Everything that is yours")
    data = world.ada.sees[-1]["buttons"][0]["callback_data"]
    name = data.removeprefix("good:")
    (mine,) = world.played.world.owned
    ben = Person(world.ada.api, 9)
    await ben.says("/help", "I sell digital goods")
    before = len(world.played.transcript.all(where=lambda each: mine in each.request.url))
    for press in ("good", "unwrap", "prove", "handon", "takeback"):
        await ben.api.happen(ben.made_up(f"{press}:{name}"))
        await ben.until(lambda each: "not yours" in each["text"])
        ben.api.messages[ben.chat].clear()
    assert len(world.played.transcript.all(where=lambda each: mine in each.request.url)) == before


async def test_linking_by_a_code(world: World) -> None:
    """BUY-004, BUY-005: shown in one chat, entered in another, and the goods come together."""
    await world.ada.says("/link", "stands alone")
    shown = await world.ada.asks("Show me a code", "Enter this code on your other account")
    phone = Person(world.ada.api, 9)
    await phone.says("/link", "stands alone")
    await phone.asks("Enter a code", "Please write me the code")
    await phone.says("x", "This code is not right. Please check it. Please write it again.")
    await phone.says("x" * 5000, "Please write it again.")
    await phone.says(code_in(shown), "Linked.")
    said = await phone.asks("My goods", "Everything that is yours")
    assert "Harbour Nights" in said["buttons"][0]["text"]
    await world.ada.says("/link", "Linked so far:")
    await world.ada.asks("End link 1", "the accounts part again")
    assert next(iter(world.played.world.links.values()))["document"]["status"] == "confirmed"
    await world.ada.presses("Yes, end it")
    await world.ada.until(lambda each: "Linked so far" not in each["text"] and "End link" not in str(each))


async def test_linking_by_mail(world: World) -> None:
    """BUY-003, BUY-007: asked for, mistyped, confirmed; the code of the mail is in nothing that the bot says."""
    await world.ada.says("/link", "stands alone")
    await world.ada.asks("By e-mail", "your e-mail address")
    await world.ada.says("nobody", "one e-mail address")
    await world.ada.says("ada@shop.example", "a code is on its way")
    (link,) = world.played.world.links.values()
    assert link["secret"] not in str(world.ada.sees)
    await world.ada.says("zzzz-zzzz", "This code is not right")
    await world.ada.says(link["secret"], "Linked.")
    await world.ada.says("/link", "E-mail address, confirmed")


async def test_linking_by_a_passkey(world: World) -> None:
    """The way to the gateway's page is hers alone and kept nowhere; the code from there is mistyped once."""
    await world.ada.says("/link", "stands alone")
    said = await world.ada.asks("With a passkey", "the merchant's, 127.0.0.1")
    assert said["protected"]
    (link,) = world.played.world.links.values()
    assert world.ada.link("Open the merchant's page") == link["told"]["passkey"]["url"]
    await world.ada.says("zzzz-zzzz", "This code is not right. Please check it. Please write it again.")
    await world.ada.says(link["secret"], "Linked.")
    assert link["document"]["status"] == "confirmed"
    await world.ada.says("/link", "Passkey")
    assert link["told"]["passkey"]["url"].partition("#")[2].encode() not in await world.written()


async def test_a_passkey_is_let_be(world: World) -> None:
    """Cancelled, the way to the page is gone from the chat, and what is written next is no code."""
    await world.ada.says("/link", "stands alone")
    said = await world.ada.asks("With a passkey", "the merchant's")
    left = await world.ada.asks("Cancel", "All right")
    assert left["id"] == said["id"]
    await world.ada.writes("zzzz-zzzz")
    await world.ada.until(lambda each: each["id"] > left["id"])
    assert world.played.transcript.all(operation="confirm_link") == []


async def test_passkeys_are_offered_where_the_gateway_has_them(world: World) -> None:
    """Where it does not declare them there is no such button, and an old one leads nowhere."""
    world.played.without = ("passkeys",)
    await world.bot.control("POST", "/reset", {"gateway": world.played.connection()})
    said = await world.ada.says("/link", "stands alone")
    assert "By e-mail" in str(said["buttons"])
    assert "passkey" not in str(said["buttons"])
    await world.ada.api.happen(world.ada.made_up("link.passkey"))
    await world.ada.reads("This is not available here.")
    assert world.played.transcript.all(operation="create_link") == []


@pytest.mark.parametrize(
    ("language", "way", "words"),
    [("en", "With a passkey", "That was too often for now"), ("zh", "使用通行密钥", "尝试次数过多")],
)
async def test_too_many_passkeys_are_told(world: World, language: str, way: str, words: str) -> None:
    """The gateway's limit is not taken for its absence; later it works."""
    world.played.faults.append(Fault(("create_link",), "", code="link_limit_reached", retry_after=3600))
    ben = Person(world.ada.api, 9, language)
    await ben.writes("/link")
    await ben.until(lambda each: any(way in one["text"] for one in each["buttons"]))
    await ben.asks(way, words)
    await ben.asks(way, "127.0.0.1")


async def test_giving_and_withdrawing(world: World) -> None:
    """BUY-010, BUY-011: as the button said, with its words, and shown as the gateway has it."""
    await world.ada.says("/privacy", "A change counts at once")
    await world.ada.asks("News and offers", "Writing to you about new goods")
    await world.ada.asks("in all my linked accounts", "News and offers: Allowed")
    (sent,) = world.played.transcript.all(operation="set_consent")
    assert (sent.asked["decision"], sent.asked["scope"]) == ("given", {"kind": "all_channels"})
    assert sent.asked["notice"] == {"text": "Writing to you about new goods and reductions.", "locale": "en"}
    await world.ada.asks("News and offers", "Writing to you about new goods")
    await world.ada.asks("Do not allow", "News and offers: Not allowed")


async def test_taking_the_data_along(world: World) -> None:
    """BUY-013: the archive as a document."""
    await world.ada.says("/privacy", "A change counts at once")
    said = await world.ada.asks("Take it along", "What is known about you by this chat")
    assert zipfile.ZipFile(io.BytesIO(said["document"])).namelist()


async def test_erasing(world: World) -> None:
    """BUY-014, BUY-015: only when she confirms it; what stays is told, and the bot drops her, too."""
    await world.ada.says("/privacy", "A change counts at once")
    await world.ada.asks("Erase it", "confirm that it is you first (/link)")
    assert world.played.transcript.all(operation="erase_buyer") == []
    await world.ada.asks("Yes, erase what this chat knows", "Orders: the law wants books to be kept")
    rows = await world.bot.parts.db.run(
        lambda db: [db.execute(f"select count(*) from {each}").fetchone()[0] for each in ("chats", "watches")]
    )
    assert rows == [0, 0]
    assert await world.ada.says("/orders", "You have not bought anything yet")


async def test_a_gateway_that_is_away_is_told(world: World) -> None:
    """A try later works."""
    world.played.faults.append(Fault(("list_entitlements",), "", count=9, code="unavailable"))
    await world.ada.says("/mygoods", "We cannot reach our supplier right now")
    world.played.faults.clear()
    await world.ada.says("/mygoods", "Everything that is yours")


async def test_the_gateway_knows_no_telegram_id(world: World) -> None:
    """BUY-001: who she is in Telegram is in none of all the calls."""
    await world.ada.says("/mygoods", "Everything that is yours")
    asked = " ".join(str(each.asked) + each.request.url for each in world.played.transcript.all())
    assert str(world.ada.id) not in asked
    assert await world.buyer() in asked

"""Everything counts once: presses, updates, crashes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reference_channels.kit.tokens import Credentials
from reference_channels.trade.link import Connection
from tests.reference_channels.chatbot.bot_api import BotApi, Fault
from tests.reference_channels.chatbot.conftest import Scene, running_bot, telegram
from tests.reference_channels.chatbot.people import Person
from tests.reference_channels.chatbot.test_conversation import bought, looked
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.scripted import SECRET, ScriptedGateway

# More than a purchase in the chat has; the last ones show that it comes through without a crash.
WRITES = 60
STEP = 3


async def test_a_button_pressed_twice_buys_once(scene: Scene) -> None:
    """Buy and Pay, each pressed three times at once: one order, one unit sold."""
    offer = await scene.stock()
    await looked(scene, scene.ada)
    for label, text in (("Buy 1", "Kept for you"), ("Pay", "it is yours")):
        presses = [scene.ada.pressed(label) for _ in range(3)]
        await asyncio.gather(*(scene.api.happen(each) for each in presses))
        await scene.ada.reads(text)
    await scene.ada.says("/orders", "Your orders")
    stock = await scene.gateway.stock(offer)
    assert (stock["sold"], stock["reserved"]) == (1, 0)
    assert len(await scene.intents()) == 1


async def test_an_update_delivered_twice_counts_once(scene: Scene) -> None:
    """Also when it comes again much later, after the purchase has long ended."""
    await scene.stock()
    await looked(scene, scene.ada)
    press = scene.ada.pressed("Buy 1")
    await scene.api.happen(press)
    await scene.ada.reads("Kept for you")
    await scene.ada.asks("Cancel", "You cancelled")
    said = len(scene.api.made("sendMessage")) + len(scene.api.made("editMessageText"))
    await scene.api.happen(press)
    await scene.ada.says("/help", "I sell digital goods")
    assert len(scene.api.made("sendMessage")) + len(scene.api.made("editMessageText")) == said + 1


async def test_an_old_card_shows_what_became_of_it(scene: Scene) -> None:
    """The Buy button of an offer that was bought by it buys nothing more."""
    await scene.stock()
    await looked(scene, scene.ada)
    press = scene.ada.pressed("Buy 1")
    await bought_by(scene, press)
    await scene.api.happen({**press, "update_id": scene.api.number()})
    await scene.ada.says("/orders", "Your orders")
    assert len(await scene.intents()) == 1


async def bought_by(scene: Scene, press: dict[str, Any]) -> None:
    """Go on from this press to the goods."""
    await scene.api.happen(press)
    await scene.ada.reads("Kept for you")
    await scene.ada.asks("Pay", "it is yours")


async def test_many_buyers_of_a_few_codes(scene: Scene) -> None:
    """Eight people for three codes: three have one each, five are told, and nobody else's chat shows a code."""
    offer = await scene.stock(codes=["C1", "C2", "C3"])
    people = [Person(scene.api, 1000 + number) for number in range(8)]
    await asyncio.gather(*(looked(scene, each) for each in people))
    await asyncio.gather(*(each.presses("Buy 1") for each in people))
    decided = [
        await each.until(lambda m: "Kept for you" in m["text"] or "sold out" in m["text"]) for each in people
    ]
    winners = [each for each, said in zip(people, decided, strict=True) if "Kept" in said["text"]]
    await asyncio.gather(*(each.asks("Pay", "it is yours") for each in winners))
    shown = [await each.asks("Show my code", "For your eyes only") for each in winners]
    assert sorted(text for each in shown for tag, text in each["spans"] if tag == "code") == [
        "C1",
        "C2",
        "C3",
    ]
    assert (await scene.gateway.stock(offer))["sold"] == len(winners) == 3


async def test_a_gateway_that_does_not_answer_is_said(scene: Scene) -> None:
    """Three faults in a row at each step: in the end one order, one unit sold, the code shown."""
    offer = await scene.stock()
    for operation in ("create_reservation", "create_order", "reveal_delivery"):
        fault = {"operation_id": operation, "count": 1, "drop_answer": True}
        assert (await scene.gateway.control("/faults", fault)).status == 204
    await bought(scene, scene.ada)
    await scene.ada.asks("Show my code", "For your eyes only")
    assert (await scene.gateway.stock(offer))["sold"] == 1


class Crash(Exception):
    """Nothing is done any more from here on."""


def crash_at(bot: RunningShop, number: int) -> Callable[[], bool]:
    """Let the bot's transaction with this number be its last one: committed, and nobody told."""
    run, count = bot.parts.db.run, 0

    async def failing(work: Callable[..., Any]) -> Any:
        nonlocal count
        count += 1
        if count > number:
            raise Crash
        result = await run(work)
        if count == number:
            raise Crash
        return result

    bot.parts.db.run = failing  # type: ignore[method-assign]
    return lambda: count >= number


@asynccontextmanager
async def bot_of(folder: Path, gateway: str, api: BotApi) -> AsyncIterator[RunningShop]:
    """The same bot as before, after a crash."""
    line = Connection(gateway, Credentials("shop", "s3cret", SECRET))
    bound = socket.create_server(("127.0.0.1", 0))
    async with running_bot(folder, telegram(api), bound, connection=line) as bot:
        yield bot


async def at_the_card(api: BotApi, bot: RunningShop) -> Person:
    """Somebody who looks at the offer."""
    await bot.sync()
    ada = Person(api)
    await ada.says("/start", "What are you looking for?")
    await ada.asks("Everything", "Page 1")
    await ada.asks("·", "shown right after payment")
    return ada


async def dies(bot: RunningShop, ada: Person, number: int, press: str, text: str) -> None:
    """Press, and let the bot die at the transaction with this number, or come through when it has not so many."""
    crashed = crash_at(bot, number)
    await ada.presses(press)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if crashed() or any(text in each["text"] for each in ada.sees):
            return


@pytest.mark.parametrize("number", range(1, WRITES, STEP))
async def test_a_crash_anywhere_in_the_chat_is_survived(tmp_path: Path, number: int) -> None:
    """The bot dies at a transaction between Buy and Pay; the next one goes on, and it was bought once."""
    async with ScriptedGateway() as gateway, BotApi() as api:
        gateway.add()
        async with bot_of(tmp_path, gateway.url, api) as bot:
            ada = await at_the_card(api, bot)
            await dies(bot, ada, number, "Buy", "Kept")
        async with bot_of(tmp_path, gateway.url, api):
            await ada.reads("Kept for you")
            await ada.asks("Pay", "it is yours")
            await ada.asks("Show my", "For your eyes only")
        assert len(gateway.orders) == 1
        assert [hold["status"] for hold in gateway.holds.values()] == ["consumed"]


@pytest.mark.parametrize("number", range(1, WRITES, STEP))
async def test_a_crash_when_the_money_is_taken_is_survived(tmp_path: Path, number: int) -> None:
    """The bot dies at a transaction after Pay; by itself the next one tells what became of it."""
    async with ScriptedGateway() as gateway, BotApi() as api:
        gateway.add()
        async with bot_of(tmp_path, gateway.url, api) as bot:
            ada = await at_the_card(api, bot)
            await ada.asks("Buy", "Kept for you")
            await dies(bot, ada, number, "Pay", "it is yours")
        async with bot_of(tmp_path, gateway.url, api):
            await ada.reads("it is yours")
        assert len(gateway.orders) == 1
        assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1


async def test_what_is_to_be_said_survives_an_outage_of_telegram(scene: Scene) -> None:
    """Telegram fails for a while; what the bot has to say is said afterwards, in its order."""
    await scene.stock()
    scene.api.faults = [Fault("sendMessage", count=2, status=502)]
    await scene.ada.writes("/start")
    await scene.ada.reads("What are you looking for?")
    assert scene.ada.sees[0]["text"].startswith("Welcome to Lumen")

"""The line to Telegram: limits, floods, the webhook, escaping, and what is never logged."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from reference_channels.chatbot.messenger import Button, Flooded, Message, Part, Refused, Unreachable
from reference_channels.chatbot.telegram import Telegram, TelegramSettings, markup, read
from tests.reference_channels.chatbot.bot_api import TOKEN, BotApi, Fault
from tests.reference_channels.chatbot.conftest import Scene, running_bot, scene_of, telegram
from tests.reference_channels.chatbot.people import Person
from tests.reference_channels.chatbot.test_conversation import bought, looked


async def test_by_webhook(tmp_path: Path, sqlite_template: Path) -> None:
    """Telegram calls the bot instead: the same conversation, and nobody polls."""
    async with scene_of(tmp_path, sqlite_template, webhook=True) as scene:
        await scene.stock()
        while not scene.api.webhook.get("url"):
            await scene.bot.sync()
        await bought(scene, scene.ada)
        await scene.ada.asks("Show my code", "For your eyes only")
        assert scene.api.made("getUpdates") == []


@pytest.mark.parametrize("secret", ["", "wrong", "only-telegram-knows-"])
async def test_the_webhook_is_for_telegram_only(tmp_path: Path, sqlite_template: Path, secret: str) -> None:
    """Who does not know the secret is refused, and heard by nobody."""
    async with scene_of(tmp_path, sqlite_template, webhook=True) as scene:
        while not scene.api.webhook.get("url"):
            await scene.bot.sync()
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        body = scene.ada.wrote("/start")
        async with scene.bot.http.post(scene.bot.url + "/telegram", json=body, headers=headers) as answer:
            assert answer.status == 403
        await Person(scene.api, 9).says("/help", "I sell")
        assert scene.ada.sees == []


async def test_a_flood_is_waited_out(scene: Scene) -> None:
    """429 with retry_after: the bot waits as long as it was asked to, and says it then."""
    await scene.stock()
    scene.api.faults = [Fault("sendMessage", retry_after=1)]
    begun = time.monotonic()
    await scene.ada.says("/help", "I sell digital goods")
    assert time.monotonic() - begun >= 1
    assert len(scene.api.made("sendMessage")) == 2


async def test_one_flooded_chat_does_not_stop_another(scene: Scene) -> None:
    """Only the chat that was refused waits."""
    scene.api.faults = [Fault("sendMessage", retry_after=3)]
    await scene.ada.writes("/help")
    while not scene.api.made("sendMessage"):
        await scene.bot.sync()
    begun = time.monotonic()
    await Person(scene.api, 9).says("/help", "I sell digital goods")
    assert time.monotonic() - begun < 2


async def test_who_blocked_the_bot_is_left_alone(scene: Scene) -> None:
    """A chat that refuses for good is not tried again."""
    await scene.stock()
    scene.api.blocked.add(scene.ada.id)
    await scene.ada.writes("/help")
    await Person(scene.api, 9).says("/help", "I sell digital goods")
    await scene.bot.sync()
    assert len([each for each in scene.api.made("sendMessage") if each["chat_id"] == scene.ada.id]) == 1


async def test_a_name_breaks_no_message(scene: Scene) -> None:
    """An offer's name with markup in it is shown as it is."""
    name = "<b>Cheap</b> & <a href='https://evil.example'>free</a> &lt; _*`"
    await scene.stock(product_name=name)
    await looked(scene, scene.ada, "Cheap")
    card = scene.ada.sees[-1]
    assert card["text"].startswith(name)
    assert card["spans"][0] == ("b", name)


async def test_codes_with_markup_arrive_byte_for_byte(scene: Scene) -> None:
    """SEL-011: what has <, & or quotes in it is escaped on the way and whole in the chat."""
    await scene.stock(codes=["A<B>&amp;\"'C"])
    await bought(scene, scene.ada)
    shown = await scene.ada.asks("Show my code", "For your eyes only")
    assert ("code", "A<B>&amp;\"'C") in shown["spans"]


async def test_codes_that_no_message_carries_come_as_a_file(scene: Scene) -> None:
    """A code of several lines is a document with exactly its bytes."""
    code = "-----BEGIN LICENCE-----\n  two  spaces\ttab\n-----END-----"
    await scene.stock(codes=[code])
    await bought(scene, scene.ada)
    shown = await scene.ada.asks("Show my code", "Your goods (1)")
    assert shown["document"] == code.encode()


async def test_the_menu_is_told_in_both_languages(scene: Scene) -> None:
    """setMyCommands for all, and for who has Chinese set."""
    await scene.ada.says("/help", "I sell")
    told = scene.api.made("setMyCommands")
    assert [each.get("language_code") for each in told] == [None, "zh"]
    assert "orders" in {each["command"] for each in told[0]["commands"]}


async def test_nothing_secret_is_logged_or_kept(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token, nor a code, nor what the buyer wrote, in any log, also where calls fail; and no code in the
    database."""
    caplog.set_level(logging.DEBUG)
    await scene.stock(codes=["S3CRET-CODE"])
    scene.api.faults = [Fault("answerCallbackQuery", status=500), Fault("sendMessage", lose_answer=True)]
    await bought(scene, scene.ada)
    scene.api.faults = [Fault("sendMessage", status=502)]
    await scene.ada.asks("Show my code", "did not go through")
    await scene.ada.asks("Show my code", "For your eyes only")
    await scene.ada.says("my private words", "Nothing found")
    written = await scene.written()
    logged = caplog.text.encode() + "\n".join((await scene.bot.control("GET", "/log"))["lines"]).encode()
    assert b"S3CRET-CODE" not in written + logged
    assert TOKEN.encode() not in written + logged
    assert b"my private words" not in logged


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("getMe", retry_after=3), Flooded),
        (Fault("getMe", status=500), Unreachable),
        (Fault("getMe", lose_answer=True), Unreachable),
    ],
)
async def test_what_can_come_back(fault: Fault, error: type[Exception]) -> None:
    """Each failure by its kind, and the token in none of them."""
    async with BotApi(faults=[fault]) as api:
        line = telegram(api)
        with pytest.raises(error) as caught:
            await line.call("getMe")
        await line.close()
    assert TOKEN not in repr(caught.value) + repr(line._settings)


async def test_refusals_and_a_wrong_token() -> None:
    """A refusal is for good; a token that is not accepted may be put right."""
    async with BotApi() as api:
        line = telegram(api)
        with pytest.raises(Refused, match="chat not found"):
            await line.send("5", Message((Part("hello"),)))
        await line.close()
        other = Telegram(TelegramSettings("1:other", api.url))
        with pytest.raises(Unreachable, match="401"):
            await other.call("getMe")
        await other.close()


async def test_the_same_text_again_is_no_failure() -> None:
    """An edit that changes nothing is done; one that cannot be is said anew."""
    async with BotApi() as api:
        ada, line = Person(api), telegram(api)
        ada.wrote("/start")
        said = Message((Part("hello"),), ((Button("again", "x"),),))
        await line.send("4711", said)
        await line.edit("4711", str(ada.sees[0]["id"]), said)
        await line.edit("4711", "1", said)
        await line.close()
        assert [each["text"] for each in ada.sees] == ["hello", "hello"]


async def test_without_telegram_only_test_control_talks(tmp_path: Path) -> None:
    """A bot with no messenger is healthy."""
    async with running_bot(tmp_path, None) as bot, bot.http.get(bot.url + "/healthz") as answer:
        assert (await answer.json())["status"] == "ok"


def test_long_texts_are_cut_to_what_a_message_holds() -> None:
    """4096 UTF-16 code units, no half of a character, tags closed."""
    made = markup((Part("a" * 4095), Part("𝄞&", "bold")))
    assert made == "a" * 4095
    assert markup((Part("𝄞" * 3000, "bold"),)) == "<b>" + "𝄞" * 2048 + "</b>"


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "edited_message": {"text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 1, "type": "private"}, "text": "x"}},
        {"update_id": 1, "message": {"from": {"id": 1, "is_bot": True}, "chat": {"id": 1}, "text": "x"}},
        {"update_id": 1, "message": {"from": {"id": 1}, "chat": {"id": 1}, "photo": []}},
        {
            "update_id": 1,
            "callback_query": {"id": "1", "from": {"id": 1}, "inline_message_id": "1", "data": "x"},
        },
    ],
)
def test_what_is_nothing_to_a_shop_is_passed_over(update: dict[str, object]) -> None:
    """No person, another bot, no text, a message that is not ours."""
    assert read(update) is None

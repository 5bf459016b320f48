"""The bot at work: it stores what it hears, answers each chat in order, says what is to be said, and tells of purchases
that moved on by themselves. Killed at any point, it goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3
from functools import partial

from reference_channels.chatbot import chats, conversation, passes, post, receipts, watching
from reference_channels.chatbot.chats import Chat, buyer_of
from reference_channels.chatbot.messenger import (
    Flooded,
    Heard,
    Messenger,
    MessengerError,
    Refused,
    Unreachable,
)
from reference_channels.chatbot.post import Said
from reference_channels.chatbot.talk import Talk
from reference_channels.kit import trace
from reference_channels.kit.errors import GatewayError
from reference_channels.trade.settings import Trade

log = logging.getLogger(__name__)

SCHEMA = "".join(each.SCHEMA for each in (chats, post, passes, watching))
PAUSE = 0.5
LONGEST_PAUSE = 300.0
REMEMBER_UPDATES = 7 * 86400.0
# So many chats are answered at a time; the others wait in the database.
TOGETHER = 16


class Bot:
    """`key` makes buyers' names out of the messenger's ids."""

    def __init__(self, trade: Trade, messenger: Messenger, key: bytes, pause: float = PAUSE) -> None:
        self._trade = trade
        self._messenger = messenger
        self._key = key
        self._pause = pause
        self._wake = asyncio.Event()
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(TOGETHER)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._work())
        finally:
            for each in self._answering.values():
                each.cancel()
            await asyncio.gather(*self._answering.values(), return_exceptions=True)

    async def _listen(self) -> None:
        """Hear what is said. No failure ends it: what was not stored is delivered again."""
        while True:
            try:
                await self._messenger.listen(self.take, conversation.menu())
                return
            except Exception:
                log.exception("the bot stopped listening and begins anew")
                await asyncio.sleep(self._pause)

    async def take(self, heard: Heard) -> None:
        """Store an update. What was delivered before is not stored again."""
        now = self._trade.clock()
        await self._trade.db.run(lambda db: post.take(db, heard, now))
        self._wake.set()

    async def say(self, said: Said) -> None:
        """Say something that was not asked for, for example from a page."""
        await self._trade.db.run(lambda db: post.put(db, said))
        self._wake.set()

    async def _work(self) -> None:
        """Whatever is there to do, at once when woken, and every now and then. No failure ends it."""
        while True:
            self._wake.clear()
            try:
                await self._answer_all()
                await self._tell()
                await self._send()
            except Exception:
                log.exception("the bot stumbled and goes on")
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which in Python 3.11 may swallow a cancellation.
                async with asyncio.timeout(self._pause):
                    await self._wake.wait()

    async def _answer_all(self) -> None:
        before = self._trade.clock() - REMEMBER_UPDATES
        await self._trade.db.run(lambda db: post.forget_before(db, before))
        for chat in await self._trade.db.run(post.waiting):
            if chat not in self._answering:
                task = asyncio.create_task(self._answer(chat))
                self._answering[chat] = task
                task.add_done_callback(partial(self._answered, chat))

    def _answered(self, chat: str, task: asyncio.Task[None]) -> None:
        self._answering.pop(chat, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a chat was not answered", exc_info=task.exception())
        self._wake.set()

    async def _answer(self, chat: str) -> None:
        """Deal with everything that was heard in a chat, one after the other."""
        async with self._gate:
            while (heard := await self._trade.db.run(lambda db: post.next_of(db, chat))) is not None:
                trace.current.set(trace.new_trace())
                await self._deal(heard)
                self._wake.set()

    async def _deal(self, heard: Heard) -> None:
        if heard.press_id:
            await self._acknowledge(heard.press_id)
        talk = await self._talk(heard)
        if heard.private:
            await self._converse(talk)
        elif heard.press or heard.text.startswith("/"):
            # In a group others read along, so nothing is sold there.
            link = self._messenger.link("hello")
            talk.reply(talk.say("group.text"), *([f"\n{link}"] if link else []))
        log.info("answered", extra={"update": heard.id, "replies": len(talk.said)})
        await self._trade.db.run(partial(_settle, talk=talk))

    async def _acknowledge(self, press_id: str) -> None:
        try:
            await self._messenger.answer(press_id)
        except MessengerError as error:
            # The person's device stops waiting by itself.
            log.info("a press was not acknowledged", extra={"problem": str(error)})

    async def _converse(self, talk: Talk) -> None:
        try:
            await conversation.take(talk)
        except GatewayError as error:
            log.warning("the gateway did not do it", extra={"problem": str(error)})
            talk.reply(talk.say("error.gateway"))
        except MessengerError as error:
            # What may only be said at once was not: it is asked for again.
            log.warning("it was not said", extra={"problem": str(error)})
            talk.reply(talk.say("order.again"))
        except Exception:
            log.exception("unexpected")
            talk.reply(talk.say("error.unexpected"))

    async def _talk(self, heard: Heard) -> Talk:
        known = await self._trade.db.run(lambda db: chats.find(db, heard.chat))
        buyer = buyer_of(self._key, self._messenger.name, heard.person)
        chat = known or Chat(heard.chat, buyer, "en")
        if heard.language:
            chat.language = "zh" if heard.language.lower().startswith("zh") else "en"
        return Talk(self._trade, self._messenger, chat, heard)

    async def _tell(self) -> None:
        """Tell of purchases that are not as their buyers have seen them."""
        for chat_id, intent_id in await self._trade.db.run(watching.moved):
            chat = await self._trade.db.run(partial(chats.find, chat_id=chat_id))
            intent = await self._trade.purchases.find(intent_id)
            if chat is not None and intent is not None and chat_id not in self._answering:
                talk = Talk(self._trade, self._messenger, chat, Heard("", chat_id, "", True, ""))
                await receipts.show(talk, intent)
                await self._trade.db.run(partial(_store, talk=talk))

    async def _send(self) -> None:
        now = self._trade.clock()
        due = await self._trade.db.run(lambda db: post.due(db, now))
        await asyncio.gather(*(self._send_one(each) for each in due))
        if due:
            self._wake.set()

    async def _send_one(self, said: Said) -> None:
        """Say it. A crash after that and before it is noted says it twice: messengers have no key to prevent it."""
        try:
            if said.message_id:
                await self._messenger.edit(said.chat, said.message_id, said.message)
            else:
                await self._messenger.send(said.chat, said.message)
        except Refused as refused:
            log.warning("it cannot be said", extra={"problem": str(refused)})
        except (Flooded, Unreachable) as error:
            log.info("it is said later", extra={"problem": str(error)})
            pause = min(LONGEST_PAUSE, 2.0 ** min(said.tries, 10)) * random.uniform(0.5, 1)  # noqa: S311 - no secret
            when = self._trade.clock() + (error.retry_after if isinstance(error, Flooded) else pause)
            await self._trade.db.run(lambda db: post.later(db, said, when))
            return
        await self._trade.db.run(lambda db: post.done(db, said))


def _store(db: sqlite3.Connection, *, talk: Talk) -> None:
    for said in talk.said:
        post.put(db, said)
    for intent in talk.shown:
        watching.shown(db, talk.chat.id, intent)


def _settle(db: sqlite3.Connection, *, talk: Talk) -> None:
    """All that came of an update, together with the note that it is dealt with."""
    if talk.heard.private:
        chats.save(db, talk.chat)
    _store(db, talk=talk)
    if talk.forget:
        chats.forget(db, talk.chat.id)
    post.settle(db, talk.heard)

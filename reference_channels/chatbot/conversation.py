"""Which words and buttons lead where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reference_channels.chatbot import browsing, buying, goods, linking, owning, privacy, receipts
from reference_channels.chatbot.messenger import Menu
from reference_channels.chatbot.talk import WORDS, Talk, bold

Step = Callable[..., Awaitable[None]]


async def start(talk: Talk, wish: str = "", *_: str) -> None:
    """`/start`, or a deep link to an offer (`o-<name>`)."""
    if wish.startswith("o-"):
        await browsing.offer(talk, wish.removeprefix("o-"))
        return
    talk.reply(bold(talk.say("start.title", name=talk.trade.settings.name)), "\n", talk.say("start.text"))
    await browsing.categories(talk)


async def help_(talk: Talk, *_: str) -> None:
    """What the bot can do."""
    sandbox = talk.trade.settings.test_secret is not None
    lines = [f"/{name} – {talk.say(f'command.{name}')}" for name in COMMANDS]
    talk.reply(talk.say("help.text"), "\n\n", "\n".join(lines), talk.say("help.sandbox") if sandbox else "")


async def leave(talk: Talk, *_: str) -> None:
    """Stop asking."""
    talk.chat.draft = {}
    talk.replace(talk.say("ask.left"), buttons=[[talk.button("offers.back", "categories")]])


async def region(talk: Talk, *_: str) -> None:
    """Forget the country; it is asked for again where it matters."""
    talk.chat.region = None
    talk.reply(talk.say("region.forgotten"))


COMMANDS: dict[str, Step] = {
    "shop": browsing.categories,
    "orders": receipts.orders,
    "mygoods": owning.mine,
    "certificate": owning.mine,
    "transfer": owning.transfer,
    "link": linking.links,
    "privacy": privacy.mine,
    "region": region,
    "cancel": leave,
    "help": help_,
}
PRESSES: dict[str, Step] = {
    "categories": browsing.categories,
    "offers": browsing.offers,
    "offer": browsing.offer,
    "buy": buying.buy,
    "answer": buying.answer,
    "leave": leave,
    "order": buying.order,
    "orders": receipts.orders,
    "retry": buying.retry,
    "pay": buying.pay,
    "seal": buying.seal,
    "cancel": buying.cancel,
    "show": goods.show,
    "open": goods.show,
    "hide": goods.hide,
    "link": linking.links,
    "link.show": linking.show,
    "link.enter": linking.enter,
    "link.mail": linking.mail,
    "link.passkey": linking.passkey,
    "unlink": linking.ask_to_unlink,
    "unlinked": linking.unlink,
    "mygoods": owning.mine,
    "good": owning.show,
    "unwrap": owning.unwrap,
    "prove": owning.prove,
    "handon": owning.hand_on,
    "takeback": owning.take_back,
    "accept": owning.accept,
    "privacy": privacy.mine,
    "purpose": privacy.purpose,
    "decide": privacy.decide,
    "export": privacy.export,
    "erase": privacy.ask_to_erase,
    "erased": privacy.erase,
}
# What was asked for, and who takes the answer.
ANSWERS: dict[str, Step] = {
    "link_code": linking.entered,
    "email": linking.addressed,
    "mail_code": linking.confirmed,
    "passkey_code": linking.confirmed,
    "transfer_code": owning.accepted,
}


def menu() -> Menu:
    """What the commands do, for a messenger that has a menu of them."""
    tongues = {"": "en", "zh": "zh"}
    return {
        tag: {name: WORDS.say(language, f"command.{name}") for name in COMMANDS}
        for tag, language in tongues.items()
    }


async def take(talk: Talk) -> None:
    """Answer one update. A command ends what was being asked; a press does not, as it may be an older button's."""
    heard = talk.heard
    if heard.press:
        name, *arguments = heard.press.split(":")
        step = PRESSES.get(name)
        if step is None:
            talk.reply(talk.say("press.old"))
        else:
            await step(talk, *arguments)
    elif heard.text.startswith("/"):
        await _command(talk, heard.text)
    elif talk.chat.draft:
        await ANSWERS.get(talk.chat.draft["asking"], buying.written)(talk, heard.text)
    else:
        await browsing.search(talk, heard.text)


async def _command(talk: Talk, text: str) -> None:
    """In Telegram a command may name its bot: /help@lumen_bot."""
    name, *arguments = text.removeprefix("/").split()[:3] or [""]
    talk.chat.draft = {}
    step = start if name == "start" else COMMANDS.get(name.partition("@")[0], help_)
    await step(talk, *arguments)

"""/link: bringing together what one person has on several channels, by her proof, and taking it apart again. Codes and
the way to the gateway's page are said at once and kept nowhere (BUY-003 to BUY-008)."""

from __future__ import annotations

from yarl import URL

from reference_channels.chatbot.browsing import short
from reference_channels.chatbot.buyers import LONGEST_CODE, day, pick, told
from reference_channels.chatbot.messenger import Button
from reference_channels.chatbot.talk import Rows, Talk, bold, code
from reference_channels.trade import identity
from reference_channels.trade.buyers import offered
from reference_channels.trade.words import TAGS


@told
async def links(talk: Talk, *_: str) -> None:
    """What links this account, the ways to link more, and what limits leave her over all of them."""
    found = await identity.links(talk.trade, talk.chat.buyer)
    confirmed = [each for each in found if each["status"] == "confirmed"]
    lines, rows = [], []
    for number, each in enumerate(confirmed, 1):
        since = day(each.get("confirmed_at") or each["created_at"])
        lines.append(f"\n{number}. {talk.say('link.kind.' + each['kind'])} ({since})")
        rows.append([talk.button("link.end", f"unlink:{short(each['id'])}", number=number)])
    limits = await identity.allowances(talk.trade, talk.chat.buyer, talk.chat.language)
    if limits:
        lines.append(f"\n\n{talk.say('limits.title')}")
    for each in limits:
        left = {"left": each["remaining"], "most": each["quantity"], "days": each.get("days")}
        lines.append("\n" + talk.say(each["key"], name=each["name"], **left))
    about = talk.say("link.some" if confirmed else "link.none")
    talk.replace(
        bold(talk.say("link.title")),
        f"\n{talk.say('link.text')}\n\n{about}",
        *lines,
        buttons=[*_ways(talk), *rows],
    )


def _ways(talk: Talk) -> Rows:
    ways = ["show", "enter", "mail", *(["passkey"] if "passkeys" in offered(talk.trade) else [])]
    return [[talk.button(f"link.{way}", f"link.{way}")] for way in ways]


@told
async def show(talk: Talk, *_: str) -> None:
    """A code to enter on another channel."""
    made = await identity.show_code(talk.trade, talk.chat.buyer)
    shown = made.get("link_code", {}).get("code", "")
    await talk.whisper(
        talk.say("link.code"),
        "\n\n",
        code(shown),
        "\n\n" + talk.say("link.code.hint"),
        buttons=[[talk.button("goods.hide", "hide:code")]],
    )


async def enter(talk: Talk, *_: str) -> None:
    """Ask for the code that another channel shows."""
    talk.chat.draft = {"asking": "link_code"}
    talk.reply(talk.say("link.enter.ask"), buttons=[[talk.button("ask.cancel", "leave")]])


async def mail(talk: Talk, *_: str) -> None:
    """Ask for an address."""
    talk.chat.draft = {"asking": "email"}
    talk.reply(talk.say("link.mail.ask"), buttons=[[talk.button("ask.cancel", "leave")]])


@told
async def passkey(talk: Talk, *_: str) -> None:
    """The way to a page of the gateway, where she uses her passkey, and then the code that it shows."""
    made = await identity.passkey_page(talk.trade, talk.chat.buyer)
    address = made["passkey"]["url"]
    way = Button(talk.say("link.passkey.page"), url=address)
    rows = [[way], [talk.button("ask.cancel", "leave")]]
    await talk.whisper(talk.say("link.passkey.ask", host=URL(address).host), buttons=rows)
    talk.chat.draft = {"asking": "passkey_code", "link": made["id"]}


@told
async def entered(talk: Talk, text: str) -> None:
    """The code that another channel shows, as she typed it."""
    await identity.redeem(talk.trade, talk.chat.buyer, text[:LONGEST_CODE])
    _linked(talk)


@told
async def addressed(talk: Talk, text: str) -> None:
    """Send a code to her address. Whether anybody is known by it is not told."""
    email = text.strip()
    if email.count("@") != 1 or not 3 <= len(email) <= 254:
        talk.reply(talk.say("refused.email"))
        return
    made = await identity.mail_code(talk.trade, talk.chat.buyer, email, TAGS[talk.chat.language])
    talk.chat.draft = {"asking": "mail_code", "link": made["id"]}
    talk.reply(talk.say("link.mailed"), buttons=[[talk.button("ask.cancel", "leave")]])


@told
async def confirmed(talk: Talk, text: str) -> None:
    """The code from the mail or the page. A wrong one can be written again, as often as the gateway lets her."""
    await identity.confirm(talk.trade, talk.chat.buyer, talk.chat.draft["link"], text[:LONGEST_CODE])
    _linked(talk)


def _linked(talk: Talk) -> None:
    talk.chat.draft = {}
    talk.reply(talk.say("link.done"), buttons=[[talk.button("owned.button", "mygoods")]])


async def ask_to_unlink(talk: Talk, name: str = "", *_: str) -> None:
    """What ending a link means, before it is done."""
    rows = [[talk.button("link.end.sure", f"unlinked:{name}")], [talk.button("erase.leave", "link")]]
    talk.replace(talk.say("link.end.text"), buttons=rows)


@told
async def unlink(talk: Talk, name: str = "", *_: str) -> None:
    """End a link; the accounts part again."""
    found = pick(await identity.links(talk.trade, talk.chat.buyer), name)
    if found is not None:
        await identity.unlink(talk.trade, talk.chat.buyer, found["id"])
    await links(talk)

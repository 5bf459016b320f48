"""/privacy: what she allows, taking her data along, and having it erased (BUY-010 to BUY-015)."""

from __future__ import annotations

from reference_channels.chatbot.browsing import short
from reference_channels.chatbot.buyers import day, pick, told
from reference_channels.chatbot.messenger import Part
from reference_channels.chatbot.talk import WORDS, Rows, Talk, bold
from reference_channels.kit.errors import Json
from reference_channels.trade import consent, identity
from reference_channels.trade.words import TAGS

# What a bot may upload (https://core.telegram.org/bots/api#sending-files).
LARGEST = 50_000_000
SCOPES = {"here": "this_channel", "all": "all_channels"}


@told
async def mine(talk: Talk, *_: str) -> None:
    """Every purpose with what counts now, and what else can be done."""
    found = await consent.consents(talk.trade, talk.chat.buyer)
    parts: list[Part | str] = [bold(talk.say("privacy.title")), f"\n{talk.say('privacy.text')}\n"]
    rows = []
    for each in found:
        title = talk.say(f"purpose.{_word(each)}.title")
        parts += ["\n", bold(title), f": {talk.say('decision.' + each['decision'])}"]
        if each["legal_basis"] != "contract":
            rows.append([talk.button("privacy.decide", f"purpose:{short(each['purpose'])}", title=title)])
    rows.append([talk.button("privacy.export", "export"), talk.button("privacy.erase", "erase")])
    talk.replace(*parts, buttons=rows)


def _word(each: Json) -> str:
    """The purpose, or `other` where there are no words for it: gateways may have more (CNV-002)."""
    purpose = str(each["purpose"])
    return purpose if f"purpose.{purpose}.title" in WORDS.texts("en") else "other"


@told
async def purpose(talk: Talk, name: str = "", *_: str) -> None:
    """One purpose in plain words, and the buttons to decide."""
    found = pick(await consent.consents(talk.trade, talk.chat.buyer), name, by="purpose")
    if found is None:
        talk.reply(talk.say("press.old"))
        return
    word = _word(found)
    state = f"\n\n{talk.say('decision.' + found['decision'])} {talk.say('basis.' + found['legal_basis'])}"
    about = f"\n{talk.say(f'purpose.{word}.about')}"
    talk.replace(bold(talk.say(f"purpose.{word}.title")), about, state, buttons=_choices(talk, found, name))


def _choices(talk: Talk, found: Json, name: str) -> Rows:
    """Withdrawing is one press, and so is giving: for here, or for all linked accounts (BUY-010)."""
    rows = [[talk.button("privacy.back", "privacy")]]
    if found["decision"] in ("given", "not_needed"):
        return [[talk.button("privacy.withdraw", f"decide:{name}:withdrawn:here")], *rows]
    ways = [[talk.button(f"privacy.give.{scope}", f"decide:{name}:given:{scope}")] for scope in SCOPES]
    return [*ways, *rows]


@told
async def decide(talk: Talk, name: str = "", decision: str = "", scope: str = "here", *_: str) -> None:
    """Exactly what the button said, with the words that it said it in."""
    found = pick(await consent.consents(talk.trade, talk.chat.buyer), name, by="purpose")
    if found is None or decision not in ("given", "withdrawn") or scope not in SCOPES:
        talk.reply(talk.say("press.old"))
        return
    notice = {"text": talk.say(f"purpose.{_word(found)}.about"), "locale": TAGS[talk.chat.language]}
    wish = {"decision": decision, "scope": {"kind": SCOPES[scope]}, "notice": notice}
    await consent.decide(talk.trade, talk.chat.buyer, found["purpose"], wish)
    await mine(talk)


@told
async def export(talk: Talk, *_: str) -> None:
    """The archive as a document; with a fresh proof that of all channels. It is kept nowhere."""
    proof = await identity.proof(talk.trade, talk.chat.buyer)
    content = bytearray()
    async with consent.export(talk.trade, talk.chat.buyer, proof) as parts:
        async for part in parts:
            content += part
            if len(content) > LARGEST:
                talk.reply(talk.say("privacy.too_large"))
                return
    about = talk.say("privacy.exported.all" if proof else "privacy.exported.here")
    await talk.messenger.send_file(talk.chat.id, "my-data.zip", bytes(content), about)


@told
async def ask_to_erase(talk: Talk, *_: str) -> None:
    """What erasing means, before it is done."""
    proof = await identity.proof(talk.trade, talk.chat.buyer)
    rows = [[talk.button("erase.here", "erased:here")]]
    if proof:
        rows.append([talk.button("erase.all", "erased:all")])
    rows.append([talk.button("erase.leave", "privacy")])
    about = talk.say("erase.text") + ("" if proof else f"\n\n{talk.say('erase.proof')}")
    talk.replace(bold(talk.say("erase.title")), f"\n{about}", buttons=rows)


@told
async def erase(talk: Talk, scope: str = "here", *_: str) -> None:
    """Erase it, at the gateway and in this chat; and say what stays, and why."""
    made = await consent.erase(talk.trade, talk.chat.buyer, scope == "all")
    lines = []
    for each in made["kept"]:
        until = f" ({day(each['until'])})" if "until" in each else ""
        what, why = talk.say(f"kept.what.{each['what']}"), talk.say(f"kept.why.{each['why']}")
        lines.append(f"\n– {talk.say('kept.line', what=what, why=why)}{until}")
    kept = [f"\n\n{talk.say('erase.kept')}", *lines] if lines else []
    talk.replace(bold(talk.say("erase.done")), *kept)
    talk.forget = True

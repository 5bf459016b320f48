"""The merchant looks at a buyer, sets her tier, and undoes a wrong link."""

from __future__ import annotations

import asyncio

from gateway.core import identity, link_kinds, links
from gateway.core.errors import ProtocolError
from gateway.core.model_identity import Account
from tests.admin.conftest import Merchant
from tests.storage.world import call_of, open_shop


async def _joined(merchant: Merchant) -> tuple[Account, Account]:
    """Two accounts of two channels, linked by a code."""
    async with open_shop(merchant.database, merchant.ring) as shop:
        store, made = shop.store, []
        for _ in range(2):
            call, cmd = call_of((await shop.channel()).id), identity.ResolveBuyer("mia", "mia@shop.example")
            done = await store.run(lambda b, c=call, w=cmd: identity.resolve_buyer(b, store.vault, c, w))
            made.append(done.account)
        first, second = made
        call, wish = call_of(first.channel_id), link_kinds.CreateLink("link_code")
        begun = await store.run(lambda b: links.create_link(b, store.vault, call, first.id, wish))
        other, code = call_of(second.channel_id), str(begun.code)
        link = await store.run(lambda b: links.redeem_link_code(b, store.vault, other, second.id, code))
        assert not isinstance(link, ProtocolError)
        return first, second


def test_a_wrong_link_is_seen_and_undone(merchant: Merchant) -> None:
    """From either account, by id or by the channel's name for her; both are alone again, and the audit has it all."""
    first, second = asyncio.run(_joined(merchant))
    shown = merchant.json("buyer", "show", first.id)
    assert {one["account"] for one in shown["accounts"]} == {first.id, second.id}
    assert shown == merchant.json("buyer", "show", second.channel_id, "mia") | {"changes": shown["changes"]}
    link = next(one["link"] for one in shown["links"] if one["account"] == second.id)
    assert merchant.json("buyer", "unlink", link) == {"link": link, "status": "ended"}
    again = merchant.json("buyer", "show", first.id)
    assert [one["account"] for one in again["accounts"]] == [first.id]
    assert [(one["what"], one["asked_by"]) for one in again["changes"]] == [
        ("joined", second.channel_id),
        ("split", "merchant"),
    ]
    assert again["changes"][1]["after"] in ([[first.id], [second.id]], [[second.id], [first.id]])
    assert merchant.json("audit")["balanced"] is True
    plain = merchant.run("buyer", "show", first.id).stdout
    assert "tier: standard" in plain
    assert "mia@shop.example" not in plain


def test_a_tier_is_set_for_all_accounts(merchant: Merchant) -> None:
    """On both, at once; a word that is none is refused, and so is nobody."""
    first, second = asyncio.run(_joined(merchant))
    done = merchant.json("buyer", "tier", first.id, "gold")
    assert set(done["accounts"]) == {first.id, second.id}
    assert merchant.json("buyer", "show", second.id)["tier"] == "gold"
    assert "a tier is a word" in merchant.run("buyer", "tier", first.id, "Very Gold", code=2).stderr
    for words in (
        ("tier", "buy_none", "gold"),
        ("show", "buy_none"),
        ("show", "chn_none", "x"),
        ("unlink", "lnk_none"),
    ):
        assert "not_found" in merchant.run("buyer", *words, code=1).stderr

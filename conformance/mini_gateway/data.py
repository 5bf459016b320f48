"""What is held about a buyer: handed out as an archive, and forgotten."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

from conformance.mini_gateway import buyers, consent, inventory, links, notes
from conformance.mini_gateway.buyers import Account, Link
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Order, World

FRESH = timedelta(minutes=15)
UNDER_WAY = ("created", "payment_required", "paid", "fulfilling", "disputed")
README = "This is what is held about you. 这是我们保存的关于您的数据。\n"


def _proved(world: World, call: Call, account: Account) -> set[str]:
    """The accounts for which she has proved who she is; raises Refusal proof_required for a proof that is none."""
    named = call.query.get("proof")
    if named is None or world.fault == "proof_ignored":
        return set()
    own = [one for one in world.links if (one.account, one.body["id"]) == (account.id, named)]
    at = own[0].body.get("confirmed_at") if own and own[0].joins else None
    if at is None or world.now() - datetime.fromisoformat(at) > FRESH:
        raise Refusal("proof_required", name="proof", where="query")
    if world.fault == "proof_reaches_all":
        return buyers.together(world, account)
    return _joined(world, account, own[0])


def _joined(world: World, account: Account, proof: Link) -> set[str]:
    """What this link leads to, by what was proved on other channels; not what another proof of this channel's does."""
    here = {one.id for one in world.accounts.values() if one.owner == account.owner}
    others = [one for one in world.links if not {one.account, *one.edges} & here]
    return buyers.together(world, account, [proof, *others])


def _orders(world: World, account: Account) -> list[Order]:
    named = (account.owner, account.subject)
    return [one for one in world.orders.values() if (one.owner, one.body["buyer"]["reference"]) == named]


def export_buyer(world: World, call: Call) -> bytes:
    """One archive."""
    account = buyers.find(world, call)
    proved = _proved(world, call, account)
    mine = [one.body for one in _orders(world, account)]
    if world.fault == "export_short":
        mine = mine[:-1]
    others = buyers.together(world, account) - {account.id}
    found: list[Json] = list(mine)
    hidden = False
    for name in sorted(others):
        other: Account = world.accounts[name]
        allowed = consent.may(world, account, "personalisation", other.owner)[0]
        if name in proved or allowed or world.fault == "data_crosses":
            found += [
                {"total": one.body["total"], "status": one.body["status"]} for one in _orders(world, other)
            ]
        else:
            hidden = True
    files: dict[str, list[Any]] = {
        "accounts.ndjson": [buyers.shown(world, account)],
        "orders.ndjson": found,
        "consents.ndjson": [
            consent.receipt(world, one) for one in world.decisions if one.account == account.id
        ],
    }
    if world.fault == "export_with_goods":
        kept = {one["id"] for one in mine}
        files["goods.ndjson"] = [d.goods for d in world.deliveries.values() if d.body["order_id"] in kept]
    return _packed(world, account, files, bool(proved) and others <= proved, hidden)


def _packed(world: World, account: Account, files: dict[str, list[Any]], full: bool, hidden: bool) -> bytes:
    left = [{"what": "goods", "why": "They are opened where they were bought."}]
    if hidden:
        left.append({"what": "other_channels", "why": "no_consent"})
    named: list[Json] = [
        {"name": name, "what": "Records", "count": len(rows)} for name, rows in files.items()
    ]
    manifest: Json = {
        "buyer_id": account.id,
        "scope": "all_channels" if full else "this_channel",
        "exported_at": world.stamp(),
        "files": [*named, {"name": "README.txt", "what": "What this is", "count": 1}],
        "left_out": left,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("README.txt", README)
        for name, rows in files.items():
            packed.writestr(name, "".join(json.dumps(row) + "\n" for row in rows))
        if world.fault != "export_without_manifest":
            packed.writestr("manifest.json", json.dumps(manifest))
    return out.getvalue()


def erase_buyer(world: World, call: Call) -> Json:
    """Forget an account, or all of the person's."""
    known = world.erased.get((call.owner.id, call.parts["buyer_id"]))
    if known and call.parts["buyer_id"] not in world.accounts and world.fault != "erasure_unrepeatable":
        return known
    account = buyers.find(world, call)
    proved, everywhere = _proved(world, call, account), call.query.get("scope") == "all_channels"
    together = buyers.together(world, account)
    if everywhere and not together <= proved:
        raise Refusal("proof_required", name="proof", where="query")
    chosen = [account]
    if everywhere:
        chosen += [world.accounts[one] for one in together if one != account.id]
    open_orders = [o for one in chosen for o in _orders(world, one) if o.body["status"] in UNDER_WAY]
    if open_orders and world.fault != "erasure_of_open_orders":
        raise Refusal("orders_under_way")
    for one in chosen:
        _forget(world, call, one, "all_channels" if everywhere else "this_channel")
    return world.erased[account.owner, account.id]


def _forget(world: World, call: Call, account: Account, scope: str) -> None:
    before = buyers.sets(world, [account.id])
    name = f"erased:{world.tick()}"
    erasure: Json = {
        "id": world.name("era"),
        "buyer_id": account.id,
        "scope": scope,
        "erased_at": world.stamp(),
        "erased": [{"what": "account"}, {"what": "buyer"}, {"what": "buyer_input"}, {"what": "consents"}],
        "kept": [] if world.fault == "erasure_silent" else [{"what": "orders", "why": "accounting"}],
    }
    for link in [one for one in world.links if one.account == account.id]:
        links.end(link)
    if world.fault != "erasure_shallow":
        _rename(world, account, name)
    if world.fault == "erasure_too_deep":
        for order in [o for o in world.orders.values() if o.body["buyer"]["reference"] == name]:
            del world.orders[order.body["id"]]
    if world.fault == "erased_remembered":
        world.remembered[account.owner, account.subject] = account.id
    else:
        world.decisions = [one for one in world.decisions if one.account != account.id]
    buyers.changed(world, call, before)
    del world.accounts[account.id]
    world.erased[account.owner, account.id] = erasure
    data = {"erasure": erasure}
    revision = account.revision + 1
    notes.emit(world, account.owner, "buyer.erased", account.id, revision, data, call.trace_id)


def _rename(world: World, account: Account, name: str) -> None:
    """Take her out of her orders and holds, and of what was told about them."""
    who = (account.owner, account.subject)
    for hold in [one for one in world.holds.values() if (one.owner, one.body["buyer"]["reference"]) == who]:
        if hold.body["status"] == "active":
            inventory.let_go(world, hold, "released", hold.body["trace_id"])
        hold.body["buyer"] = {"reference": name}
    for order in _orders(world, account):
        order.body["buyer"] = {"reference": name}
        for line in order.body["lines"]:
            line.pop("buyer_input", None)
    for note in [one for one in world.notes if one.owner == account.owner]:
        for thing in note.body["data"].values():
            if isinstance(thing.get("buyer"), dict) and thing["buyer"].get("reference") == account.subject:
                thing["buyer"] = {"reference": name}
            if thing.get("subject") == account.subject:
                thing["subject"] = name

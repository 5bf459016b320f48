"""Accounts of buyers, and which of them are one person: those that confirmed links join."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from conformance.mini_gateway import notes, trace
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, World


@dataclass
class Account:
    """A buyer as one client names her. `claims` are what the client said, `proved` what she has shown."""

    id: str
    owner: str
    subject: str
    created_at: str
    revision: int = 1
    claims: dict[str, str] = field(default_factory=dict)
    locale: str | None = None
    tier: str = "standard"
    tier_set: int = 0  # when, in the order of everything


@dataclass
class Link:
    """A link as it stands on the wire (`body`). `edges` are what it joins, once it is confirmed."""

    account: str
    body: Json
    node: str = ""  # what it proves: email:…, subject:…, or passkey:…; of a passkey not before it was used
    secret: str = ""
    issuer: str = ""
    edges: tuple[str, ...] = ()
    twin: Link | None = None  # the other account's, of a link code
    wrong: int = 0
    visit: Any = None  # of passkeys.Visit
    passkey: str = ""  # the id of the one that was used

    @property
    def joins(self) -> bool:
        """Whether it holds anything together."""
        return bool(self.edges)


def find(world: World, call: Call) -> Account:
    """The client's account; raises Refusal not_found."""
    account: Account | None = world.accounts.get(call.parts["buyer_id"])
    foreign = account is not None and account.owner != call.owner.id
    shown = world.fault == "buyer_of_anyone" and call.operation == "get_buyer"
    if account is None or (foreign and not shown):
        raise Refusal("not_found", name="buyer_id", where="path")
    return account


def resolved(world: World, call: Call) -> Account:
    """The account of this name."""
    body, owner = call.body, call.owner.id
    named = [a for a in world.accounts.values() if (a.owner, a.subject) == (owner, body["subject"])]
    if world.fault == "buyer_one_id" and not named:
        named = [a for a in world.accounts.values() if a.subject == body["subject"]]
    if world.fault == "buyer_renamed" and named and named[-1].revision > 1:
        named = []
    name = world.unresolved.pop((owner, body["subject"]), None) or world.name("who")
    account = named[-1] if named else Account(name, owner, body["subject"], world.stamp())
    world.accounts[account.id] = account
    account.claims |= {kind: body[kind] for kind in ("email", "phone") if kind in body}
    account.locale = body.get("locale", account.locale)
    return account


def together(world: World, account: Account, links: Iterable[Link] | None = None) -> set[str]:
    """The accounts of the same person: all that links (these ones) lead to."""
    by = world.links if links is None else list(links)
    reached, todo = {account.id}, [account.id]
    while todo:
        for near in _near(world, todo.pop(), by) - reached:
            reached.add(near)
            todo.append(near)
    return {one for one in reached if one in world.accounts}


def _near(world: World, node: str, links: Iterable[Link]) -> set[str]:
    found: set[str] = set()
    for link in links:
        ends = {link.account, *link.edges} if link.joins else set()
        if node in ends:
            found |= ends
    if world.fault == "claims_merge":
        claimed = {f"claim:{a.claims.get('email', a.id)}": set[str]() for a in world.accounts.values()}
        for account in world.accounts.values():
            claimed[f"claim:{account.claims.get('email', account.id)}"].add(account.id)
        found |= {one for group in claimed.values() if node in group for one in group}
    return found


def shown(world: World, account: Account, contacts: bool = True) -> Json:
    """The BuyerProfile."""
    body: Json = {
        "id": account.id,
        "subject": account.subject,
        "tier": tier(world, account),
        "revision": account.revision,
        "linked": len(together(world, account)) > 1 or _half_linked(world, account),
        "created_at": account.created_at,
    }
    if account.locale:
        body["locale"] = account.locale
    known = [_contact(world, account, kind, value) for kind, value in sorted(account.claims.items())]
    return {**body, "contacts": known} if known and contacts else body


def _half_linked(world: World, account: Account) -> bool:
    """Whether somebody else has what she has, and either of them is still to prove it."""
    if world.fault != "pending_joins":
        return False
    alive = [one for one in world.links if one.body["status"] != "ended" and one.node]
    mine = {one.node for one in alive if one.account == account.id}
    return any(one.node in mine for one in alive if one.account != account.id)


def tier(world: World, account: Account) -> str:
    """The one that was set last for any account of hers."""
    hers = {account.id} if world.fault == "tier_per_account" else together(world, account)
    return max((world.accounts[one] for one in hers), key=lambda one: one.tier_set, default=account).tier


def test_set_tier(world: World, call: Call) -> None:
    """The merchant's choice, on one account of hers."""
    account: Account | None = world.accounts.get(call.parts["buyer_id"])
    if account is None:
        raise Refusal("not_found", name="buyer_id", where="path")
    account.tier, account.tier_set = call.body["tier"], world.tick()
    for one in together(world, account):
        world.accounts[one].revision += 1


def _contact(world: World, account: Account, kind: str, value: str) -> Json:
    proved = {link.node for link in world.links if link.account == account.id and link.joins}
    masked = f"{value[:1]}…@{value.partition('@')[2]}" if kind == "email" else f"{value[:3]}…{value[-2:]}"
    return {
        "kind": kind,
        "masked": value if world.fault == "contact_in_full" else masked,
        "verified": f"email:{value.lower()}" in proved or world.fault == "claim_verified",
    }


def changed(world: World, call: Call, before: dict[str, set[str]]) -> None:
    """Note that sets are others than `before`, and tell the channels of their accounts."""
    about: set[str] = set()
    for name, was in before.items():
        account = world.accounts[name]
        now = together(world, account)
        if now == was:
            continue
        kind, untold = ("linked", "linked_untold") if len(now) > len(was) else ("unlinked", "unlinked_untold")
        account.revision += 1
        about |= was | now
        if world.fault == untold:
            continue
        own = account.owner == call.owner.id or world.fault == "buyer_traced"
        trace_id = call.trace_id if own else trace.new_trace_id()
        data = {"buyer": shown(world, account, contacts=False)}
        notes.emit(world, account.owner, f"buyer.{kind}", account.id, account.revision, data, trace_id)
    if about:
        grown = any(len(together(world, world.accounts[name])) > len(was) for name, was in before.items())
        change = {"change": "joined" if grown else "split", "at": world.stamp(), "trace_id": call.trace_id}
        world.changes.append({**change, "accounts": sorted(about)})


def test_list_buyer_changes(world: World, call: Call) -> Json:
    """The audit of an account."""
    lost = "split" if world.fault == "splits_unaudited" else ""
    hers = [one for one in world.changes if call.parts["buyer_id"] in one["accounts"]]
    return {"items": [one for one in hers if one["change"] != lost]}


def sets(world: World, accounts: Iterable[str]) -> dict[str, set[str]]:
    """For each of these accounts, and of those that are one with them, the whole set."""
    names = {
        one for name in accounts if name in world.accounts for one in together(world, world.accounts[name])
    }
    return {name: together(world, world.accounts[name]) for name in names}

"""Links between accounts: begun, proved, undone."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from conformance.mini_gateway import buyers, paging, passkeys
from conformance.mini_gateway.buyers import Account, Link
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, World

KINDS = ("email_code", "id_token", "link_code", "passkey")
LIFE, HOUR, DAY = 600, 3600, 86_400
MOST_LINKS, MOST_MAILS, MOST_WRONG, MOST_CODES = 15, 8, 5, 8
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def _code(letters: int) -> str:
    drawn = "".join(secrets.choice(LETTERS) for _ in range(letters))
    return f"{drawn[: letters // 2]}-{drawn[letters // 2 :]}"


def _plain(code: str) -> str:
    return code.upper().replace("-", "").replace(" ", "")


def _limit(world: World, name: str, most: int, fault: str, count: bool = True) -> None:
    """Raises Refusal link_limit_reached when it was done so often within the hour."""
    now = world.now()
    times = world.tries[name] = [at for at in world.tries.get(name, []) if now - at < timedelta(seconds=HOUR)]
    if len(times) >= most and world.fault != fault:
        raise Refusal("link_limit_reached", headers={"Retry-After": "600"})
    if count:
        times.append(now)


def create_link(world: World, call: Call) -> Json:
    """Begin a proof."""
    account, body = buyers.find(world, call), call.body
    kind = body["kind"]
    if kind in ("email_code", "id_token") and kind not in body:
        raise Refusal("invalid", pointer=f"/{kind}")
    issuer = body["id_token"]["issuer"] if kind == "id_token" else ""
    if (kind not in KINDS or (issuer and issuer not in world.issuers)) and world.fault != "kinds_all":
        raise Refusal("link_kind_not_supported", pointer="/id_token/issuer" if issuer else "/kind")
    _limit(world, f"begin {account.id}", MOST_LINKS, "links_unlimited")
    life = DAY if world.fault == "link_endless" else LIFE
    made: Json = {
        "id": world.name("tie"),
        "kind": kind,
        "status": "pending",
        "revision": 1,
        "created_at": world.stamp(),
        "expires_at": world.stamp(world.now() + timedelta(seconds=life)),
    }
    link = Link(account.id, made, issuer=issuer, secret=secrets.token_urlsafe(24))
    extra: Json = {"challenge": {"nonce": link.secret}} if kind == "id_token" else {}
    if kind == "email_code":
        extra = _mail(world, link, body["email_code"]["email"])
    if kind == "link_code":
        link.secret = _code(12)
        extra = {"link_code": {"code": link.secret}}
    if kind == "passkey":
        link.secret = _code(8)
        extra = passkeys.begun(world, link)
    world.links.append(link)
    return made | extra


def _mail(world: World, link: Link, email: str) -> Json:
    _limit(world, f"mail {email.lower()}", MOST_MAILS, "mails_unlimited")
    link.secret = _code(8)
    link.node = f"email:{email if world.fault == 'email_case' else email.lower()}"
    known = any(one.joins and one.node == link.node for one in world.links)
    text = f"Enter {link.secret} to link your account."
    mails = world.mails.setdefault(email.lower(), [])
    mails.append({"subject": "Your code", "text": text, "code": link.secret})
    return {"known": known} if world.fault == "address_told" else {}


def _own(world: World, call: Call, account: Account) -> Link:
    own: list[Link] = [one for one in world.links if one.account == account.id]
    for link in own:
        if link.body["id"] == call.parts["link_id"]:
            return link
    raise Refusal("not_found", name="link_id", where="path")


def _check_open(world: World, link: Link) -> None:
    late = datetime.fromisoformat(link.body["expires_at"]) <= world.now() and world.fault != "proof_late"
    used = link.body["status"] == "confirmed" and world.fault != "proof_twice"
    if late or used or link.body["status"] == "ended":
        raise Refusal("link_expired")


def confirm_link(world: World, call: Call) -> Json:
    """Take the proof."""
    account = buyers.find(world, call)
    link = _own(world, call, account)
    wanted = {"email_code": "code", "passkey": "code", "id_token": "id_token"}.get(link.body["kind"], "")
    if not wanted or wanted not in call.body:
        raise Refusal("invalid", pointer=f"/{wanted}")
    _check_open(world, link)
    given = call.body[wanted]
    right = _token(world, link, given) if wanted == "id_token" else _same(world, link, given)
    if not right or not link.node:  # a passkey is to be used first
        link.wrong += 1
        if link.wrong >= MOST_WRONG and world.fault != "guessing_free":
            end(link)
        hint = f"The code was {link.secret}." if world.fault == "code_shown" else ""
        raise Refusal("link_proof_invalid", hint, pointer=f"/{wanted}")
    before = buyers.sets(world, [account.id, *(one.account for one in world.links if one.node == link.node)])
    _replace_older(world, link)
    _confirm(world, link, link.node)
    buyers.changed(world, call, before)
    if world.fault == "link_again" and link.node.startswith("email:"):
        _tell_again(world, call, before)
    return link.body | passkeys.confirmed(world, link)


def _tell_again(world: World, call: Call, before: dict[str, set[str]]) -> None:
    buyers.changed(world, call, {name: set() for name, was in before.items() if len(was) > 1})


def _same(world: World, link: Link, code: str) -> bool:
    return world.fault == "proof_unread" or hmac.compare_digest(
        _plain(code).encode(), _plain(link.secret).encode()
    )


def _token(world: World, link: Link, token: str) -> bool:
    """Whether the id token is one for this link; then its subject is what the link proves."""
    audience, keys = world.issuers[link.issuer]
    try:
        found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256", "EdDSA"])
        claims = dict(found.claims)
    except (JoseError, ValueError, KeyError, TypeError):
        if world.fault != "token_unsigned":
            return False
        claims = _unverified(token)
    wrong = {
        "token_any_issuer": claims.get("iss") != link.issuer,
        "token_any_audience": claims.get("aud") != audience,
        "token_expired": claims.get("exp", 0) <= world.now().timestamp(),
        "token_any_nonce": claims.get("nonce") != link.secret,
    }
    alone = world.fault == "id_token_alone"
    link.node = f"subject:{link.issuer}|{claims.get('sub')}" + (link.body["id"] if alone else "")
    return not any(bad for fault, bad in wrong.items() if fault != world.fault)


def _unverified(token: str) -> Json:
    encoded = token.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return claims


def _confirm(world: World, link: Link, *edges: str) -> None:
    link.body |= {"status": "confirmed", "confirmed_at": world.stamp()}
    link.body["revision"] += 1
    link.edges = edges


def _replace_older(world: World, link: Link) -> None:
    same = [one for one in world.links if (one.account, one.node) == (link.account, link.node)]
    for older in same:
        if older is not link and older.joins and world.fault != "link_again":
            end(older)


def end(link: Link) -> None:
    """It joins nothing any more."""
    link.body["status"] = "ended"
    link.body["revision"] += 1
    link.edges = ()


async def redeem_link_code(world: World, call: Call) -> Json:
    """Join this account with the one on which the code was shown."""
    account = buyers.find(world, call)
    name = f"redeem {account.id}"
    _limit(world, name, MOST_CODES, "redeeming_free", count=False)
    given = _plain(call.body["code"])
    codes = [one for one in world.links if one.body["kind"] == "link_code" and _plain(one.secret) == given]
    if not codes or codes[0].account == account.id:
        _limit(world, name, MOST_CODES, "redeeming_free")
        raise Refusal("link_proof_invalid", pointer="/code")
    shown = codes[0]
    _check_open(world, shown)
    seen = buyers.sets(world, [account.id, shown.account])
    if world.fault == "merge_races":
        await asyncio.sleep(0.05)  # others come in between, and what they have joined is lost
    lost = seen != buyers.sets(world, [account.id, shown.account])
    before = buyers.sets(world, [account.id, shown.account])
    mine = Link(account.id, {**shown.body, "id": world.name("tie"), "created_at": world.stamp()}, twin=shown)
    shown.twin = mine
    world.links.append(mine)
    alone = world.fault == "link_code_alone" or lost
    _confirm(world, mine, *([] if alone else [shown.account]))
    _confirm(world, shown, *([] if alone else [account.id]))
    buyers.changed(world, call, before)
    return mine.body


def list_links(world: World, call: Call) -> Json:
    """What is in force or open."""
    account = buyers.find(world, call)
    mine = [one for one in world.links if one.account == account.id]
    now = world.now()
    alive = [one for one in mine if one.body["status"] == "confirmed" or _pending(one, now)]
    return paging.newest_first(world, call, alive)


def _pending(link: Link, now: datetime) -> bool:
    return link.body["status"] == "pending" and datetime.fromisoformat(link.body["expires_at"]) > now


def delete_link(world: World, call: Call) -> Json:
    """Undo a link."""
    account = buyers.find(world, call)
    link = _own(world, call, account)
    before = buyers.sets(world, [account.id])
    gone = [link, *([link.twin] if link.twin else [])]
    if world.fault == "unlink_all" and link.joins:
        gone = [one for one in world.links if one.account in before]
    if world.fault == "link_again":
        gone += [one for one in world.links if (one.account, one.node) == (link.account, link.node)]
    for one in gone:
        if one.body["status"] != "ended":
            edges = one.edges
            end(one)
            one.edges = edges if world.fault == "unlink_keeps" else ()
    buyers.changed(world, call, before)
    return link.body


def test_read_mail(world: World, call: Call) -> Json:
    """What was mailed to an address."""
    return {"mails": world.mails.get(call.body["email"].lower(), [])}


def test_trust_issuer(world: World, call: Call) -> None:
    """Trust an issuer of id tokens."""
    world.issuers[call.body["issuer"]] = (call.body["audience"], call.body["jwks"])

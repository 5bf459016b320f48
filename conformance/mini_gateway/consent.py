"""What buyers allow: decisions, their receipts, and what they let channels do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

from conformance.mini_gateway import buyers, notes, paging, trace
from conformance.mini_gateway.buyers import Account
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, World

BASES = {
    "fulfilment": "contract",
    "fraud_prevention": "legitimate_interest",
    "personalisation": "consent",
    "attribution": "consent",
    "marketing": "consent",
}
GIVEN = "{date}: you agree that your data is used for {purpose}. Withdraw it whenever you like."
WITHDRAWN = "{date}: you withdraw; your data is not used for {purpose} any more."
CHINESE = {
    "given": "{date}：您同意将数据用于{purpose}，可随时撤回。",
    "withdrawn": "{date}：您已撤回，数据不再用于{purpose}。",
}


@dataclass
class Decided:
    """One decision: whose account, about what, `among` which clients data may move (None: all)."""

    id: str
    account: str
    purpose: str
    decision: str
    scope: Json
    among: set[str] | None
    at: str
    revision: int
    ends: str = ""
    notice: Json | None = None


@dataclass
class Shown:
    """What stands in a list."""

    body: Json


def _purpose(call: Call) -> str:
    purpose: str = call.parts["purpose"]
    if purpose not in BASES:
        raise Refusal("not_found", name="purpose", where="path")
    return purpose


def standing(world: World, account: Account, purpose: str) -> Decided | None:
    """The decision that counts: the newest over all accounts of the person."""
    whose = {*buyers.together(world, account), world.remembered.get((account.owner, account.subject), "")}
    made: list[Decided] = [d for d in world.decisions if d.purpose == purpose and d.account in whose]
    return max(made, key=lambda one: one.revision, default=None)


def ended(world: World, one: Decided) -> bool:
    """Whether its time is over."""
    return (
        bool(one.ends)
        and datetime.fromisoformat(one.ends) <= world.now()
        and world.fault != "consent_endless"
    )


def shown(world: World, account: Account, purpose: str) -> Json:
    """The Consent."""
    one, basis = standing(world, account, purpose), BASES[purpose]
    body: Json = {
        "id": f"con_{account.id.partition('_')[2]}-{purpose}",
        "buyer_id": account.id,
        "purpose": purpose,
        "legal_basis": basis,
        "decision": "none" if basis == "consent" else "not_needed",
        "revision": 0,
    }
    if one is None:
        return body
    body |= {"decision": "expired" if ended(world, one) else one.decision, "revision": one.revision}
    body["decided_at"] = one.at
    if one.ends:
        body["expires_at"] = one.ends
    if one.decision == "given":
        body["covered"] = one.among is None or account.owner in one.among
        body["scope"] = one.scope if body["covered"] else {"kind": "channels"}
    return body


def list_consents(world: World, call: Call) -> Json:
    """What counts for each purpose."""
    account = buyers.find(world, call)
    found = [shown(world, account, one) for one in sorted(BASES)]
    if world.fault == "purpose_untold":
        found = [one for one in found if one["decision"] != "none"]
    if world.fault == "decision_unshown":
        found = [one | {"decision": "none"} if one["decision"] == "given" else one for one in found]
    return paging.newest_first(world, call, [Shown(one) for one in reversed(found)])


def get_consent(world: World, call: Call) -> Json:
    """What counts for one."""
    purpose, account = _purpose(call), buyers.find(world, call)
    one = standing(world, account, purpose)
    body = shown(world, account, purpose)
    if world.fault == "decision_apart" and one and one.account != account.id:
        body |= {"decision": "none", "revision": 0}
    return body | {"receipt": _signed(world, one)} if one and one.account == account.id else body


def set_consent(world: World, call: Call) -> Json:
    """What she decides."""
    purpose, account, body = _purpose(call), buyers.find(world, call), call.body
    if BASES[purpose] == "contract" and world.fault != "contract_decided":
        raise Refusal("consent_not_needed", name="purpose", where="path")
    given = body["decision"] == "given"
    scope = body.get("scope", {"kind": "this_channel"}) if given else {"kind": "this_channel"}
    ends = body.get("expires_at", "") if given else ""
    if ends and datetime.fromisoformat(ends) <= world.now() and world.fault != "past_consent_taken":
        raise Refusal("invalid", pointer="/expires_at")
    among = _among(world, call, scope)
    old = standing(world, account, purpose)
    said = (body["decision"], scope, ends, body.get("notice"))
    same = old is not None and (old.decision, old.scope, old.ends, old.notice) == said
    if not same or world.fault == "decision_repeated":
        made = Decided(
            world.name("rcp"),
            account.id,
            purpose,
            body["decision"],
            scope,
            among,
            world.stamp(),
            world.tick(),
        )
        made.ends, made.notice = ends, body.get("notice")
        world.decisions.append(made)
        _tell(world, call, account, purpose)
    return get_consent(world, call)


def _among(world: World, call: Call, scope: Json) -> set[str] | None:
    if scope["kind"] == "all_channels":
        return None
    named = scope.get("channels", []) if scope["kind"] == "channels" else []
    for place, name in enumerate(named):
        if name not in world.clients and world.fault != "past_consent_taken":
            raise Refusal("invalid", pointer=f"/scope/channels/{place}")
    return {call.owner.id, *named}


def _tell(world: World, call: Call, account: Account, purpose: str) -> None:
    for name in buyers.together(world, account):
        other: Account = world.accounts[name]
        own = other.id == account.id
        if own or world.fault != "consent_untold":
            body = shown(world, other, purpose)
            trace_id = call.trace_id if own else trace.new_trace_id()
            kind, data = "consent.changed", {"consent": body}
            notes.emit(world, other.owner, kind, body["id"], body["revision"], data, trace_id)


def list_receipts(world: World, call: Call) -> Json:
    """Every decision that was made on this account."""
    purpose, account = _purpose(call), buyers.find(world, call)
    made = [one for one in world.decisions if (one.account, one.purpose) == (account.id, purpose)]
    if world.fault == "receipts_forgotten":
        made = made[-1:]
    return paging.newest_first(world, call, [Shown(receipt(world, one)) for one in made])


def receipt(world: World, one: Decided) -> Json:
    """The ConsentReceipt."""
    return {
        "id": one.id,
        "purpose": one.purpose,
        "decision": one.decision,
        "revision": one.revision,
        "decided_at": one.at,
        "text": _text(world, one),
        "receipt": _signed(world, one),
    }


def _chinese(world: World, one: Decided) -> bool:
    locale = str((one.notice or {}).get("locale", "en"))
    return locale.startswith("zh") and world.fault != "receipt_in_one_language"


def _text(world: World, one: Decided) -> str:
    english = {"given": GIVEN, "withdrawn": WITHDRAWN}
    words = (CHINESE if _chinese(world, one) else english)[one.decision]
    return words.format(date=one.at[:10], purpose=one.purpose)


def _signed(world: World, one: Decided) -> str:
    scope = {"kind": "all_channels"} if world.fault == "receipt_other" else one.scope
    claims: dict[str, Any] = {
        "iss": world.url,
        "sub": one.account,
        "iat": int(datetime.fromisoformat(one.at).timestamp()),
        "jti": one.id,
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": f"{one.account}-{one.purpose}",
        "pii_principal_id": one.account,
        "language": "zh" if _chinese(world, one) else "en",
        "party_identification": [
            {"party_id": world.url, "party_name": "Mini", "party_role": "pii_controller"}
        ],
        "purposes": [
            {
                "purpose": one.purpose,
                "lawful_basis": BASES[one.purpose],
                "pii_information": ["orders"],
                "recipients": scope,
                "withdrawal_method": "Tell any of your channels.",
            }
        ],
        "events": [{"event_time": one.at, "event_state": f"consent_{one.decision}"}],
        "text": _text(world, one),
    }
    key = world.key
    if world.fault == "receipt_unsigned":
        key = OKPKey.generate_key("Ed25519", {"kid": world.key.kid or ""})
    header = {"alg": "Ed25519", "typ": "vgcp-consent+jwt", "kid": world.key.kid}
    return jwt.encode(header, claims, key, algorithms=["Ed25519"])


def may(world: World, account: Account, purpose: str, origin: str) -> tuple[bool, str]:
    """May the client of `account` use what came in by the client `origin`? And why."""
    basis, one = BASES[purpose], standing(world, account, purpose)
    if one and one.decision == "withdrawn" and world.fault == "withdrawal_late":
        one = next(
            (d for d in reversed(world.decisions) if d.decision == "given" and d.purpose == purpose), one
        )
    if one and one.decision == "withdrawn":
        return False, "withdrawn"
    if basis != "consent" and origin == account.owner:
        return True, "own_data"
    if one is None:
        return False, "out_of_scope" if basis == "contract" else "no_consent"
    if ended(world, one):
        return False, "expired"
    inside = one.among is None or {account.owner, origin} <= one.among
    return (True, "consent_given") if inside else (False, "out_of_scope")


def list_data_uses(world: World, call: Call) -> Json:
    """What this client may use, and why."""
    account = buyers.find(world, call)
    others = {world.accounts[one].owner for one in buyers.together(world, account)} - {account.owner}
    found = []
    for purpose, basis in sorted(BASES.items()):
        for origin, owners in (("other_channels", others or {""}), ("this_channel", {account.owner})):
            uses = [may(world, account, purpose, owner) for owner in sorted(owners)]
            allowed, reason = next((one for one in uses if one[0]), uses[0])
            if world.fault == "use_without_reason":
                reason = "no_consent"
            row: Json = {"purpose": purpose, "legal_basis": basis, "origin": origin}
            found.append(row | {"allowed": allowed, "reason": reason})
    return paging.newest_first(world, call, [Shown(one) for one in reversed(found)])

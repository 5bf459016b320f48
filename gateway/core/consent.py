"""What a buyer allows: decisions by purpose, which count for all her linked accounts (spec/text/consent.md)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from gateway.core import events, identity, privacy
from gateway.core.errors import FieldError, ProtocolError, missing, refuse
from gateway.core.model import Call, Json
from gateway.core.model_consent import Consent, ConsentRecord
from gateway.core.model_identity import Account
from gateway.core.ports import Books, Vault
from gateway.core.privacy import BASES, EVER, DataUse
from gateway.core.wire import timestamp

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SetConsent:
    """A decision as she makes it. `scope` is the ConsentScope on the wire."""

    purpose: str
    decision: str
    scope: Json
    expires_at: datetime | None
    notice: Json | None

    @classmethod
    def from_wire(cls, purpose: str, body: Json) -> SetConsent:
        """From a valid ConsentRequest. A withdrawal has no scope and no end. Raises ProtocolError `invalid`."""
        given = body["decision"] == "given"
        scope = body.get("scope") if given else None
        kept = {name: scope[name] for name in ("kind", "channels") if name in scope} if scope else {}
        ends = body.get("expires_at") if given else None
        notice = {
            k: v for k, v in body.get("notice", {}).items() if k in ("text", "uri", "version", "locale")
        }
        return cls(
            purpose,
            body["decision"],
            kept or {"kind": "this_channel"},
            _moment(ends) if ends else None,
            notice or None,
        )


def set_consent(books: Books, vault: Vault, call: Call, buyer_id: str, cmd: SetConsent) -> Consent:
    """Write a decision down, and tell every channel of the buyer (CNS-002, CNS-008); the one that counts then.

    Raises ProtocolError `not_found`, `consent_not_needed` (CNS-003) or `invalid` (CNS-004).
    """
    check_purpose(cmd.purpose)
    account, accounts = set_of(books, call, buyer_id)
    if BASES[cmd.purpose] == "contract":
        raise _not_needed(cmd.purpose)
    if cmd.expires_at is not None and cmd.expires_at <= call.now:
        raise refuse("invalid", "/expires_at", "It has passed.")
    covered = _covered(books, call, cmd.scope)
    standing = privacy.newest(books.consents_of([one.id for one in accounts]), cmd.purpose)
    if standing is not None and _same(standing, account, cmd, covered):
        return standing
    made = Consent(
        account_id=account.id,
        purpose=cmd.purpose,
        channel_id=call.channel_id,
        receipt_id=books.new_id("rcp"),
        decision=cmd.decision,
        scope=cmd.scope,
        covered=covered,
        revision=max(_instant(call.now), _revision(account, standing) + 1),
        decided_at=call.now,
        expires_at=cmd.expires_at,
        notice=cmd.notice,
    )
    books.put(made)
    books.put(_record(made))
    books.put(identity.the_buyer(books, account.buyer_id))  # whoever joins or splits her now begins again
    for one in accounts:
        shown = render_consent(vault, one, cmd.purpose, made, call.now)
        events.consent_changed(books, call, one, shown)
    return made


def counts_anew(
    books: Books,
    vault: Vault,
    call: Call,
    before: Sequence[Sequence[Account]],
    after: Sequence[Sequence[Account]],
) -> None:
    """Tell each channel for which another decision counts now: accounts were in sets `before`, and are in `after`."""
    known = books.consents_of([one.id for part in after for one in part])
    stood = {one.id: _counting(known, part) for part in before for one in part}
    for part in after:
        stands = _counting(known, part)
        for one in part:
            for purpose in BASES:
                if stands[purpose] != stood[one.id][purpose]:
                    shown = render_consent(vault, one, purpose, stands[purpose], call.now)
                    events.consent_changed(books, call, one, shown)


def _counting(known: Iterable[Consent], part: Iterable[Account]) -> dict[str, Consent | None]:
    ids = {one.id for one in part}
    own = [one for one in known if one.account_id in ids]
    return {purpose: privacy.newest(own, purpose) for purpose in BASES}


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:  # a leap second, or the year 0
        raise refuse("invalid", "/expires_at", "There is no such time.") from error


def _instant(moment: datetime) -> int:
    return (moment - EVER) // MICROSECOND


def _revision(account: Account, standing: Consent | None) -> int:
    """Of what counts for an account. It rises too when that is another decision because her accounts were linked or
    parted: what a channel knows from before is older then, whenever it was decided."""
    moved = _instant(account.moved_at) if account.moved_at else 0
    return max(moved, standing.revision if standing else 0)


def check_purpose(purpose: str) -> None:
    """Raises ProtocolError `not_found` for a purpose that there is not."""
    if purpose not in BASES:
        raise missing("purpose")


def set_of(books: Books, call: Call, buyer_id: str) -> tuple[Account, list[Account]]:
    """The caller's account and all accounts of the same buyer, locked. Raises ProtocolError `not_found`."""
    account = identity.own(books, call, buyer_id)
    return account, identity.members(books, account.buyer_id)


def data_use(books: Books, call: Call, accounts: list[Account]) -> DataUse:
    """What the caller may have of the buyer with these accounts, in a transaction."""
    return DataUse(call.channel_id, call.now, books.consents_of([one.id for one in accounts]))


def consent_id(vault: Vault, account_id: str, purpose: str) -> str:
    """The id of a consent towards a channel: nothing by which two channels find that it is the same decision."""
    digest = vault.fingerprint(f"consent\0{account_id}\0{purpose}".encode())
    return "con_" + base64.b32encode(digest[:20]).decode().lower()


def render_consent(
    vault: Vault, account: Account, purpose: str, standing: Consent | None, now: datetime
) -> Json:
    """The Consent as the channel of `account` sees it; `standing` is the decision that counts, if there is one."""
    basis = BASES[purpose]
    wire: Json = {
        "id": consent_id(vault, account.id, purpose),
        "buyer_id": account.id,
        "purpose": purpose,
        "legal_basis": basis,
    }
    if standing is None:
        decision = "none" if basis == "consent" else "not_needed"
        return {**wire, "decision": decision, "revision": _revision(account, None)}
    ended = standing.expires_at is not None and standing.expires_at <= now
    wire |= {"decision": "expired" if ended else standing.decision, "revision": _revision(account, standing)}
    wire["decided_at"] = timestamp(standing.decided_at)
    if standing.decision == "given":
        wire["covered"] = privacy.covers(standing, account.channel_id)
        wire["scope"] = standing.scope if wire["covered"] else {"kind": "channels"}
    if standing.expires_at is not None:
        wire["expires_at"] = timestamp(standing.expires_at)
    return wire


def render_uses(uses: DataUse, elsewhere: list[str]) -> Iterator[Json]:
    """The DataUses of a buyer who also has accounts on the channels `elsewhere` (CNS-016)."""
    for purpose, basis in BASES.items():
        for origin, channels in (("this_channel", [uses.channel_id]), ("other_channels", elsewhere or [""])):
            found = [uses.may(purpose, "data_use", one) for one in channels]
            chosen = next((one for one in found if one.allowed), found[0])
            yield {
                "purpose": purpose,
                "legal_basis": basis,
                "origin": origin,
                "allowed": chosen.allowed,
                "reason": chosen.reason,
            }


def _covered(books: Books, call: Call, scope: Json) -> list[str] | None:
    """Ids of the channels that a scope lets data move between; None for all. Raises ProtocolError `invalid`."""
    kind = scope["kind"]
    if kind == "all_channels":
        return None
    if kind == "this_channel":
        return [call.channel_id]
    if kind != "channels":
        raise refuse("invalid", "/scope/kind", "There is no such scope.")
    if not scope.get("channels"):
        raise refuse("invalid", "/scope/channels", "Is required.")
    known, covered = books.channels(), {call.channel_id}
    for place, name in enumerate(scope["channels"]):
        found = {one.id for one in known if name in (one.id, one.name)}
        if not found:
            raise refuse("invalid", f"/scope/channels/{place}", "There is no such channel.")
        covered |= found
    return sorted(covered)


def _same(standing: Consent, account: Account, cmd: SetConsent, covered: list[str] | None) -> bool:
    """Whether she only says again what counts already (CNS-005). Withdrawn is withdrawn, wherever it is said."""
    if cmd.decision == standing.decision == "withdrawn":
        return True
    said = (cmd.decision, cmd.scope, covered, cmd.expires_at, cmd.notice, account.id)
    stands = (standing.decision, standing.scope, standing.covered, standing.expires_at, standing.notice)
    return said == (*stands, standing.account_id)


def _record(made: Consent) -> ConsentRecord:
    return ConsentRecord(*(getattr(made, field.name) for field in fields(made)))


def _not_needed(purpose: str) -> ProtocolError:
    detail = f"The legal basis of {purpose} is contract: it is needed for what she buys."
    return ProtocolError("consent_not_needed", detail, FieldError("path", detail, name="purpose"))

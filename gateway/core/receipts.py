"""Receipts of decisions: what they say to a machine (the fields of ISO/IEC TS 27560:2023) and to a person."""

from __future__ import annotations

from datetime import datetime

from gateway.core import retention
from gateway.core.model import Json
from gateway.core.model_consent import Consent
from gateway.core.privacy import BASES
from gateway.core.wire import timestamp

# Categories of personal data that a purpose is about.
CATEGORIES = {
    "attribution": ["orders"],
    "fraud_prevention": ["orders", "purchase counts"],
    "marketing": ["contacts", "orders"],
    "personalisation": ["orders", "entitlements"],
}
WORDS = {
    "en": {
        "attribution": "attribution (which channel brought you to a purchase)",
        "fraud_prevention": "fraud prevention",
        "marketing": "marketing",
        "personalisation": "personalisation (showing you what suits you and what you own)",
        "here": "{channel} only",
        "all": "all channels",
        "given": "On {date} you agreed that your data is used for {purpose}, on {where}{until}. "
        "You can withdraw this at any time, on any of your channels; it then ends everywhere at once.",
        "until": ", until {date}",
        "withdrawn": "On {date} you withdrew: your data is not used for {purpose} any more, on any channel.",
        "and": " and ",
    },
    "zh": {
        "attribution": "归因分析（是哪个渠道带来了您的购买）",
        "fraud_prevention": "防范欺诈",
        "marketing": "营销",
        "personalisation": "个性化（向您展示适合您的内容和您拥有的商品）",
        "here": "仅{channel}",
        "all": "所有渠道",
        "given": "您于{date}同意将您的数据用于{purpose}，范围：{where}{until}。"
        "您可以随时在您的任一渠道撤回，撤回后在所有渠道立即生效。",
        "until": "，有效期至{date}",
        "withdrawn": "您于{date}撤回了同意：您的数据不再用于{purpose}，在任何渠道均是如此。",
        "and": "、",
    },
}


def language(consent: Consent) -> str:
    """The language of the notice: one of those that receipts are written in, English when none is named."""
    tag = str((consent.notice or {}).get("locale", "en"))
    return tag if tag.split("-")[0].lower() in WORDS else "en"


def text(consent: Consent, channel: str) -> str:
    """The decision in a sentence or two. `channel`: the name of the one it was made on."""
    words = WORDS[language(consent).split("-")[0].lower()]
    kind = consent.scope["kind"]
    names = [channel, *(name for name in consent.scope.get("channels", ()) if name != channel)]
    where = words["all"] if kind == "all_channels" else words["and"].join(names)
    if kind == "this_channel":
        where = words["here"].format(channel=channel)
    until = words["until"].format(date=_date(consent.expires_at)) if consent.expires_at else ""
    return words[consent.decision].format(
        date=_date(consent.decided_at), purpose=words[consent.purpose], where=where, until=until
    )


def claims(consent: Consent, record_id: str, issuer: str, controller: str, channel: str) -> Json:
    """The ConsentReceiptClaims (CNS-010, CNS-011). `record_id`: the consent's id; `controller`: the merchant."""
    tag = language(consent)
    event: Json = {
        "event_time": timestamp(consent.decided_at),
        "event_state": f"consent_{consent.decision}",
    }
    if consent.expires_at is not None:
        event["valid_until"] = timestamp(consent.expires_at)
    named = [channel, *(name for name in consent.scope.get("channels", ()) if name != channel)]
    found: Json = {
        "iss": issuer,
        "sub": consent.account_id,
        "iat": int(consent.decided_at.timestamp()),
        "jti": consent.receipt_id,
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": record_id,
        "pii_principal_id": consent.account_id,
        "language": tag,
        "party_identification": [
            {"party_id": issuer, "party_name": controller, "party_role": "pii_controller"},
            *({"party_id": name, "party_name": name, "party_role": "recipient"} for name in named),
        ],
        "purposes": [_purpose(consent, issuer)],
        "events": [event],
        "text": text(consent, channel),
    }
    return {**found, "privacy_notice": consent.notice} if consent.notice else found


def render_receipt(consent: Consent, channel: str) -> Json:
    """The ConsentReceipt but for what is signed."""
    return {
        "id": consent.receipt_id,
        "purpose": consent.purpose,
        "decision": consent.decision,
        "revision": consent.revision,
        "decided_at": timestamp(consent.decided_at),
        "text": text(consent, channel),
    }


def _purpose(consent: Consent, issuer: str) -> Json:
    path = f"/vgcp/v1/buyers/{consent.account_id}/consents/{consent.purpose}"
    return {
        "purpose": consent.purpose,
        "lawful_basis": BASES[consent.purpose],
        "pii_information": CATEGORIES[consent.purpose],
        "recipients": consent.scope,
        "retention_days": retention.DAYS["fulfilment"],
        "withdrawal_method": f"PUT {issuer}{path}, by the data page of any of the buyer's channels",
    }


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")

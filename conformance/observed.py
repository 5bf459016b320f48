"""What can only be seen with the secrets of a run: looked at before they are redacted, and kept beside the exchange.

Each observer is a pure function of one exchange and of what was recorded with it. Judges read `exchange.observed`:

- `webhook_signature`: {verified}: one of the scenario's own webhook secrets made it
- `message_signature`: {verified, keyid, error}: a key that discovery publishes made it
- `token`: {header, claims} or {error}: an access token, held against the published keys
- `sealed`: {opened, error, goods}: a JWE, opened with the scenario's key; the goods are secrets, too
- `archive`: {files, goods} or {error}: an export, unpacked; whether it has any of the scenario's goods
- `opens`: for each of the goods that a channel shows, whether the scenario's key opens it
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from conformance import jwe, signatures, tokens
from conformance.driver.shop import opened
from conformance.transcript import Exchange, Transcript

Json = dict[str, Any]


def observe(t: Transcript) -> None:
    """Look at every exchange; what was looked at before is left as it is."""
    for exchange in t.exchanges:
        if not exchange.observed:
            exchange.observed.update(_seen(t, exchange))


def _seen(t: Transcript, exchange: Exchange) -> Json:
    if exchange.direction == "received":
        return _post(t, exchange)
    if exchange.operation == "issue_token":
        return _token(t, exchange)
    if exchange.operation == "reveal_delivery":
        return _reveal(t, exchange)
    if exchange.operation == "export_buyer":
        return _archive(t, exchange)
    return _shown(t, exchange) if exchange.operation == "channel:test_get_purchase" else {}


def _post(t: Transcript, exchange: Exchange) -> Json:
    if exchange.operation != "send_event":
        return {}
    seen: Json = {}
    if exchange.request.header("webhook-signature"):
        clients = t.all(exchange.scenario, operation="test_create_client")
        owned = [str(e.answer["webhook_secret"]) for e in clients if "webhook_secret" in e.answer]
        verified = any(signatures.by_webhook(exchange.request, secret) for secret in owned)
        seen["webhook_signature"] = {"verified": verified}
    if exchange.request.header("signature"):
        documents = t.all("discovery", label="discovery")
        published = documents[0].answer.get("keys") if documents else None
        keys = published.get("keys") if isinstance(published, dict) else None
        seen["message_signature"] = signatures.by_message(exchange.request, keys)
    return seen


def _token(t: Transcript, exchange: Exchange) -> Json:
    published = t.all(operation="get_jwks", where=lambda e: e.status == 200)
    if "access_token" not in exchange.answer or not published:
        return {}
    return {"token": tokens.verified(str(exchange.answer["access_token"]), published[0].answer)}


def _reveal(t: Transcript, exchange: Exchange) -> Json:
    goods = exchange.answer.get("goods")
    sealed = goods.get("sealed") if isinstance(goods, dict) else None
    compact = sealed.get("jwe") if isinstance(sealed, dict) else None
    key = t.facts.get((exchange.scenario, "key"))
    if not isinstance(compact, str) or key is None:
        return {}
    try:
        found = json.loads(jwe.open_sealed(compact, key).content)
    except ValueError as reason:
        return {"sealed": {"opened": False, "error": str(reason)}}
    t.secret(*opened({"goods": found}))
    return {"sealed": {"opened": True, "goods": found}}


def _archive(t: Transcript, exchange: Exchange) -> Json:
    if exchange.response is None or exchange.status != 200:
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(exchange.response.body)) as packed:
            texts = {name: packed.read(name).decode() for name in packed.namelist()}
            files = {name: _lines(name, text) for name, text in texts.items()}
    except (zipfile.BadZipFile, ValueError, RuntimeError) as reason:
        return {"archive": {"error": f"{type(reason).__name__}: {reason}"}}
    goods = t.facts.get((exchange.scenario, "goods"), [])
    return {
        "archive": {
            "files": files,
            "goods": any(str(one) in text for one in goods for text in texts.values()),
        }
    }


def _lines(name: str, text: str) -> list[Any]:
    if name.endswith(".json"):
        return [json.loads(text)]
    return [json.loads(line) if name.endswith(".ndjson") else line for line in text.splitlines()]


def _shown(t: Transcript, exchange: Exchange) -> Json:
    key, shown = t.facts.get((exchange.scenario, "key")), exchange.answer.get("goods_shown")
    return {"opens": [_opens(str(each), key) for each in shown]} if key and isinstance(shown, list) else {}


def _opens(compact: str, key: Json) -> bool:
    try:
        return bool(jwe.open_sealed(compact, key).content)
    except jwe.JweError:
        return False

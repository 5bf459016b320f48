"""Stories of who may do what: tokens, assertions, scopes, other channels."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.jwk import ECKey

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.person import Issuer, address, mailed, people
from conformance.driver.shop import Json, Shop, sale, word
from conformance.model import scenario
from conformance.wire import operations

MADE_UP = ".".join(("made", "up", "token"))
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@scenario("secrets", role="gateway")
async def secret_grants(s: GatewaySession) -> None:
    """Tokens by client secret, in the body and by HTTP Basic; a wrong secret."""
    shop = await s.shop()
    form = {"grant_type": "client_credentials", "client_id": shop.id, "client_secret": shop.secret}
    await s.grant(form, "secret in the body")
    pair = base64.b64encode(f"{quote_plus(shop.id)}:{quote_plus(shop.secret)}".encode()).decode()
    s.transcript.secret(pair)
    await s.grant({"grant_type": "client_credentials"}, "secret by Basic", Authorization=f"Basic {pair}")
    await s.grant(form | {"client_secret": word("wrong")}, "wrong secret")
    await s.grant(form | {"client_id": word("nobody")}, "unknown client")
    wide = await s.shop(scopes=["catalog"])
    seen = await s.grant(
        {"grant_type": "client_credentials", "client_id": wide.id, "client_secret": wide.secret}
        | {"scope": "catalog orders"},
        "more scope than granted",
    )
    token = str(seen.answer.get("access_token") or "")
    if token:
        await wide.do("list_orders", "use of the scope", token=token)
    await wide.do("list_offers", "use of the own scope")
    await s.ask("get_jwks", "keys")


@scenario("assertions", role="gateway")
async def assertions(s: GatewaySession) -> None:
    """Tokens by private_key_jwt: good, sent again, expired, for another audience, by another key."""
    key, other = (ECKey.generate_key("P-256", {"kid": word("kid")}) for _ in range(2))
    shop = await s.shop(jwks={"keys": [key.as_dict(private=False, use="sig", alg="ES256")]})
    now = int((await s.now()).timestamp())
    good = {"iss": shop.id, "sub": shop.id, "aud": s.token_url, "iat": now, "exp": now + 60}
    once = _assertion(key, good)
    await s.grant(_form(once), "good assertion")
    await s.grant(_form(once), "same assertion again")
    await s.grant(_form(_assertion(key, good | {"iat": now - 900, "exp": now - 600})), "expired assertion")
    elsewhere = good | {"aud": "https://another.example/token"}
    await s.grant(_form(_assertion(key, elsewhere)), "assertion for another")
    fake = ECKey.import_key(other.as_dict(private=True), {"kid": key.kid or ""})
    await s.grant(_form(_assertion(fake, good)), "assertion by another key")


def _assertion(key: ECKey, claims: Json) -> str:
    header: dict[str, Any] = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, claims | {"jti": word("jti")}, key, algorithms=["ES256"])


def _form(assertion: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
    }


CREATING = ("create_reservation", "create_order", "create_allotment")


def protected(s: GatewaySession) -> list[str]:
    """The operations that it serves and that need a token, in the document's order."""
    return [name for name, o in operations("gateway").items() if o.security == "oauth" and s.serves(name)]


def lists(s: GatewaySession) -> list[str]:
    """Lists of what is a channel's own."""
    known = ("list_offers", "list_reservations", "list_orders", "list_events", "list_allotments")
    return [name for name in known if s.serves(name)]


def _wish(shop: Shop, operation: str, ids: Json) -> Json:
    """A request of this operation that would do something, were it let through."""
    entry = operations("gateway")[operation]
    names = [p["name"] for p in entry.parameters if p["in"] == "path"]
    known = {**ids, "purpose": "marketing"}
    if operation == "erase_buyer":  # what comes after it still needs the other one
        known["buyer_id"] = ids.get("erasable", ids["buyer_id"])
    wish: Json = {"path": {n: known[n] for n in names}}
    bodies: dict[str, Json] = {
        "create_reservation": shop.holding(ids["offer"]),
        "create_order": shop.ordering(ids["offer"]),
        "confirm_payment": {"amount": {"amount": 1999, "currency": "EUR"}},
        "create_refund": {"reason": "buyer_request"},
        "create_dispute": {"reason": "other"},
        "create_allotment": {"offer_id": ids["offer"]["id"], "quantity": 1},
        "report_sales": {"sales": [sale()]},
        "create_replacement": {"delivery_id": ids["delivery_id"], "reason": "dead"},
        "resolve_buyer": {"subject": ids.get("subject", "none")},
        "create_link": {"kind": "link_code"},
        "confirm_link": {"code": ids.get("mailed", "none")},
        "set_consent": {"decision": "given"},
        "redeem_link_code": {"code": ids.get("shown", "none")},
        "verify_certificate": {"certificate": "none~"},
        "accept_transfer": {"buyer_id": ids.get("buyer_id"), "code": ids.get("handed_on_by")},
        "decline_transfer": {"code": ids.get("handed_on_by")},
    }
    if operation in bodies:
        wish["body"] = bodies[operation]
    return wish


async def _things(shop: Shop) -> Json:
    """One of everything that has an id."""
    s = shop.session
    offer = await shop.offer(
        quantity=9, **({"consistency": "allotment"} if s.serves("create_allotment") else {})
    )
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer))
    sold = await shop.must("create_order", "sold", body=shop.ordering(offer))
    order = await shop.must("create_order", "pending", body=shop.ordering(offer, pay="pending"))
    found = await shop.deliveries(sold)
    owned = str(found[0].get("entitlement_id", "none")) if found else "none"
    leased: Json = {}
    if s.serves("create_allotment"):
        wish = {"offer_id": offer["id"], "quantity": 2}
        leased = {"allotment_id": (await shop.must("create_allotment", "lease", body=wish))["id"]}
    return (
        await _buyer(shop)
        | leased
        | await _offered(shop, owned)
        | {
            "offer": offer,
            "sold": sold,
            "offer_id": offer["id"],
            "reservation_id": hold["id"],
            "order_id": order["id"],
            "delivery_id": found[0]["id"] if found else "none",
        }
    )


async def _offered(shop: Shop, owned: str) -> Json:
    """What is owned, and an offer to hand it on."""
    if not shop.session.serves("create_transfer"):
        return {}
    at = {"entitlement_id": owned}
    made = await shop.do("create_transfer", "hand on", path=at, body={})
    code = str(made.answer.get("code")) if made.status == 201 else "none"
    if made.status == 201:
        shop.session.transcript.secret(code)
    return {**at, "transfer_id": str(made.answer.get("id", "trf_none")), "handed_on_by": code}


async def _buyer(shop: Shop) -> Json:
    """An account with a link that waits for its mailed code, and a code that another account has shown."""
    s = shop.session
    if not s.serves("resolve_buyer"):
        return {}
    mia, other, third = await people(s, shop, shop, shop)
    email = address()
    link = (await mia.begin("begin", "email_code", email=email)).answer
    shown = (await other.begin("show", "link_code")).answer.get("link_code") or {}
    return {
        "buyer_id": mia.id,
        "erasable": third.id,
        "subject": mia.subject,
        "link_id": str(link.get("id", "none")),
        "mailed": await mailed(s, "mail", email),
        "shown": str(shown.get("code", "none")),
    }


@scenario("no_token", role="gateway")
async def no_token(s: GatewaySession) -> None:
    """Every protected operation without a token, with a made-up one, and with one whose signature is broken."""
    shop = await s.shop()
    ids = await _things(shop)
    await s.stock(ids["offer"], "stock before")
    for name in protected(s):
        await shop.do(name, f"no token: {name}", token="", **_wish(shop, name, ids))
        await shop.do(name, f"made-up: {name}", token=MADE_UP, **_wish(shop, name, ids))
    await s.stock(ids["offer"], "stock after")
    await shop.do("get_order", "good token", path={"order_id": ids["order_id"]})
    for label, forged in _forged(shop).items():
        s.transcript.secret(forged)
        await shop.do("get_order", label, path={"order_id": ids["order_id"]}, token=forged)


def _forged(shop: Shop) -> dict[str, str]:
    """The shop's token with its signature broken, taken away, or made with another key."""
    head, _, rest = shop.token.partition(".")
    body, _, signature = rest.partition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle : middle + 1] != "A" else "B"
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    return {
        "broken signature": f"{head}.{body}.{signature[:middle]}{other}{signature[middle + 1 :]}",
        "no signature": f"{none}.{body}.",
    }


@scenario("scopes", role="gateway")
async def scopes(s: GatewaySession) -> None:
    """Every protected operation with a token that has every scope but its own, and then with one that has it."""
    shop = await s.shop()
    ids = await _things(shop)
    tokens = {}
    for scope in s.scopes:
        rest = " ".join(other for other in s.scopes if other != scope)
        tokens[scope] = await s.token(shop, f"all but {scope}", rest)
    for name in protected(s):
        scope = operations("gateway")[name].scope or ""
        await shop.do(name, f"without scope: {name}", token=tokens[scope], **_wish(shop, name, ids))
    for name in protected(s):
        await shop.do(name, f"in scope: {name}", **_wish(shop, name, ids))
    for name in lists(s):
        await shop.do(name, f"with scope: {name}")
    await shop.do("list_deliveries", "with scope: list_deliveries", path={"order_id": ids["sold"]["id"]})


@scenario("strangers", role="gateway")
async def strangers(s: GatewaySession) -> None:
    """Another channel asks for what is this channel's, and for what does not exist."""
    shop, stranger = await s.shop(), await s.shop()
    ids = await _things(shop)
    own = await stranger.offer(quantity=3)
    await stranger.order(own, "a sale of its own")
    none: Json = {n: f"{ids[n].split('_')[0]}_0000000000000none" for n in ids if n.endswith("_id")} | {
        "offer": {}
    }
    none["offer"] = {"id": none["offer_id"], "price": ids["offer"].get("price")}
    for name in protected(s):
        # buyers and what they own have requirements of their own (IDN-003, OWN-003)
        if operations("gateway")[name].scope in ("identity", "ownership"):
            continue
        if "_id" in operations("gateway")[name].path or name in CREATING:
            await stranger.do(name, f"another's: {name}", **_wish(stranger, name, ids))
            await stranger.do(name, f"nobody's: {name}", **_wish(stranger, name, none))
    for name in lists(s):
        await stranger.pages(name, f"stranger: {name}", 100)
        await shop.do(name, f"owner: {name}")
    await shop.do("get_reservation", "owner's hold", path={"reservation_id": ids["reservation_id"]})
    s.transcript.note("ids", [v for n, v in ids.items() if n.endswith("_id")] + [ids["sold"]["id"]])


@scenario("test_control", role="gateway")
async def test_control(s: GatewaySession) -> None:
    """Test control without its secret and with a wrong one."""
    shop = await s.shop()
    offer = await shop.offer(quantity=1)
    bodies: dict[str, Json] = {
        "test_reset": {},
        "test_create_client": {"name": "x"},
        "test_create_offer": {"product_name": "x", "price": offer["price"], "delivery_kind": "code"},
        "test_update_offer": {"withdrawn": True},
        "test_recall_allotment": {},
        "test_advance_clock": {"advance_seconds": 0},
        "test_raise_fault": {"operation_id": "list_events", "count": 1, "status": 503},
        "test_read_mail": {"email": "nobody@vgcp.example"},
        "test_set_tier": {"tier": "gold"},
        "test_trust_issuer": {"issuer": "https://nobody.vgcp.example", "audience": "x", "jwks": {"keys": []}},
    }
    for name, entry in operations("gateway").items():
        if entry.security == "test" and s.serves(name):
            path = {
                "offer_id": offer["id"],
                "allotment_id": "none",
                "order_id": "none",
                "delivery_id": "none",
                "buyer_id": "none",
            }
            wish: Json = {"path": path, "body": bodies.get(name)}
            await s.ask(name, f"no secret: {name}", **wish)
            await s.ask(name, f"wrong secret: {name}", headers={"VGCP-Test-Secret": word("wrong")}, **wish)
    s.transcript.note("to be served", [name for name in operations("gateway") if s.serves(name)])
    if s.serves("test_trust_issuer"):
        await Issuer().trusted(s)
    await s.stock(offer, "right secret")

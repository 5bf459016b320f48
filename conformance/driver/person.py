"""A buyer's account at a channel that the suite plays, and the proofs that link it with others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from conformance.chance import hexes
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop, word
from conformance.transcript import Exchange

AUDIENCE = "vgcp-suite"
FOLLOWS = 300  # seconds that an id token is good for


@dataclass
class Person:
    """One account; `who` names it in labels."""

    shop: Shop
    who: str
    subject: str
    id: str = "none"

    async def resolve(self, label: str = "resolve", **claims: str) -> Exchange:
        """As its channel names her."""
        body = {"subject": self.subject, **claims}
        seen = await self.shop.do("resolve_buyer", f"{label} {self.who}", body=body)
        self.id = str(seen.answer.get("id", self.id))
        return seen

    async def profile(self, label: str) -> Exchange:
        """What its channel sees of her."""
        return await self.shop.do("get_buyer", f"{label} {self.who}", path={"buyer_id": self.id})

    async def do(self, operation: str, label: str, **more: Any) -> Exchange:
        """Anything that is asked about her; `purpose` belongs to the path."""
        path = {"buyer_id": self.id} | ({"purpose": more.pop("purpose")} if "purpose" in more else {})
        return await self.shop.do(operation, f"{label} {self.who}", path=path, **more)

    async def decide(self, label: str, purpose: str, decision: str = "given", **more: Any) -> Exchange:
        """What she allows; `more` are members of the ConsentRequest."""
        body = {"decision": decision, **more}
        return await self.do("set_consent", label, purpose=purpose, body=body)

    async def begin(self, label: str, kind: str, **member: str) -> Exchange:
        """A link that is to be proved."""
        body: Json = {"kind": kind, **({kind: member} if member else {})}
        seen = await self.shop.do("create_link", f"{label} {self.who}", path={"buyer_id": self.id}, body=body)
        keep(self.shop.session, seen.answer.get("link_code"), seen.answer.get("challenge"))
        return seen

    async def confirm(self, label: str, link: Json, **proof: str) -> Exchange:
        """Its proof."""
        path = {"buyer_id": self.id, "link_id": str(link.get("id", "none"))}
        return await self.shop.do("confirm_link", f"{label} {self.who}", path=path, body=proof)

    async def redeem(self, label: str, code: str) -> Exchange:
        """A code that was shown on another account."""
        path = {"buyer_id": self.id}
        return await self.shop.do(
            "redeem_link_code", f"{label} {self.who}", path=path, body={"code": code or "none"}
        )

    async def unlink(self, label: str, link: Json) -> Exchange:
        """Undo a link."""
        path = {"buyer_id": self.id, "link_id": str(link.get("id", "none"))}
        return await self.shop.do("delete_link", f"{label} {self.who}", path=path)

    async def prove(self, label: str, email: str) -> Json:
        """A link by a mailed code, confirmed."""
        begun = await self.begin(f"{label}: begin", "email_code", email=email)
        code = await mailed(self.shop.session, f"{label}: mail to {self.who}", email)
        return dict((await self.confirm(label, begun.answer, code=code)).answer)

    async def events(self, label: str) -> list[Exchange]:
        """Its channel's feed, to the end."""
        return await self.shop.pages("list_events", f"{label} {self.who}", 100)


async def people(s: GatewaySession, *shops: Shop, **claims: str) -> list[Person]:
    """An account at each of these channels, resolved: a, b, c and so on."""
    made = [Person(shop, "abcdefgh"[n], word("user")) for n, shop in enumerate(shops)]
    for one in made:
        await one.resolve(**claims)
        s.transcript.note(f"subject {one.who}", one.subject)
        s.transcript.note(f"id {one.who}", one.id)
    return made


def address() -> str:
    """An e-mail address that nobody has."""
    return f"buyer.{hexes(6)}@vgcp.example"


async def mailed(s: GatewaySession, label: str, email: str) -> str:
    """The code in the last mail to an address; "none" when there is none."""
    seen = await s.test("test_read_mail", label, body={"email": email})
    mails = seen.answer.get("mails")
    last = mails[-1] if isinstance(mails, list) and mails and isinstance(mails[-1], dict) else {}
    code = str(last.get("code", "none"))
    s.transcript.secret(code, code.replace("-", ""))
    return code


def keep(s: GatewaySession, *shown: Any) -> None:
    """Codes and nonces are secrets of this run."""
    for one in shown:
        if isinstance(one, dict):
            s.transcript.secret(*(value for value in one.values() if isinstance(value, str)))


class Issuer:
    """An OpenID provider that the suite plays."""

    def __init__(self) -> None:
        self.url = f"https://login-{hexes(4)}.vgcp.example"
        self._key = ECKey.generate_key("P-256", {"kid": word("login"), "use": "sig", "alg": "ES256"})

    async def trusted(self, s: GatewaySession) -> None:
        """Have the gateway trust it."""
        body = {
            "issuer": self.url,
            "audience": AUDIENCE,
            "jwks": {"keys": [self._key.as_dict(private=False)]},
        }
        await s.control("test_trust_issuer", "trust", body=body)

    def token(
        self,
        s: GatewaySession,
        link: Json,
        subject: str,
        *,
        at: datetime,
        forged: bool = False,
        **claims: Any,
    ) -> str:
        """An id token for a link, made `at` this time of the sandbox's; `claims` take the place of the right ones,
        `forged` is by another key."""
        now = int(at.timestamp())
        challenge = link.get("challenge")
        nonce = challenge.get("nonce", "none") if isinstance(challenge, dict) else "none"
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + FOLLOWS,
            "nonce": nonce,
        }
        key = ECKey.generate_key("P-256") if forged else self._key
        made = jwt.encode({"alg": "ES256", "kid": self._key.kid}, said | claims, key, algorithms=["ES256"])
        s.transcript.secret(made)
        return made

"""The gateway's page on which a buyer uses her passkey, as her browser has it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from conformance.driver.person import Person
from conformance.driver.shop import Json
from conformance.passkeys import RIGHT, Passkey, Wrong, create, get
from conformance.transcript import Exchange

TICKET = re.compile(r"[A-Za-z0-9_-]{22,128}")
NO_TICKET = "there-was-no-ticket-at-all"


@dataclass
class Page:
    """The page of a link. `origin` is the page's, `options` what `begin_passkey` gave."""

    one: Person
    link: Json
    origin: str = "https://nowhere.vgcp.example"
    ticket: str = NO_TICKET
    options: Json = field(default_factory=dict)

    async def read(self, label: str) -> Exchange:
        """What the browser is asked."""
        body = {"ticket": self.ticket}
        seen = await self.one.shop.session.ask("begin_passkey", f"{label} {self.one.who}", body=body)
        if seen.status == 200:
            self.options = seen.answer
        return seen

    async def make(
        self, label: str, wrong: Wrong = RIGHT, made: Passkey | None = None
    ) -> tuple[Passkey, str]:
        """Make a passkey; it, and the code that the page shows."""
        passkey, credential = create(self.options.get("creation"), self.origin, wrong, made)
        return passkey, await self.answer(label, credential)

    async def use(self, label: str, passkey: Passkey, wrong: Wrong = RIGHT) -> str:
        """Use a passkey; the code that the page shows."""
        return await self.answer(label, get(passkey, self.options.get("request"), self.origin, wrong))

    async def answer(self, label: str, credential: Json) -> str:
        """Give the gateway a credential; "none" when there is no code for it."""
        s = self.one.shop.session
        body = {"ticket": self.ticket, "credential": credential}
        seen = await s.ask("finish_passkey", f"{label} {self.one.who}", body=body)
        code = seen.answer.get("code")
        if seen.status != 200 or not isinstance(code, str):
            return "none"
        s.transcript.secret(code, code.replace("-", ""))
        return code

    async def confirm(self, label: str, code: str) -> Json:
        """She enters the code where she came from."""
        return dict((await self.one.confirm(label, self.link, code=code)).answer)


def _place(link: Json) -> Any:
    told = link.get("passkey")
    return told.get("url") if isinstance(told, dict) else None


async def page(one: Person, label: str) -> Page:
    """Begin a link of hers and open its page; labels end in `begin` and `read`."""
    link = (await one.begin(f"{label}: begin", "passkey")).answer
    opened = Page(one, dict(link))
    try:
        url = URL(str(_place(link)))
        opened.origin = str(url.origin())
    except ValueError:  # no URL of a page: nothing is shown there
        return opened
    if TICKET.fullmatch(url.fragment):
        opened.ticket = url.fragment
        one.shop.session.transcript.secret(url.fragment)
    await opened.read(f"{label}: read")
    return opened

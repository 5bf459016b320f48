"""Codes by mail, through a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from gateway.core import identity, link_kinds, links
from gateway.core.model_identity import Mail
from gateway.relay.mailer import Mailer, SmtpCarrier
from gateway.settings import Settings
from tests.fixtures.buyers import resolved
from tests.fixtures.gateway import in_process
from tests.storage.world import Shop, call_of, open_shop

SENDER, EMAIL = "shop@shop.example", "mia@else.example"


@dataclass
class Postbox:
    """What a mail server takes: all of it, or what `answer` says instead."""

    port: int = 0
    answer: str = "250 OK"
    got: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """One mail."""
        if self.answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.got.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.port}"


class OnAnyPort(Controller):
    """Lets the system choose the port, which the library's own does not."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def postbox() -> Iterator[Postbox]:
    """A mail server in a thread of its own."""
    box = Postbox()
    controller = OnAnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@asynccontextmanager
async def one_mail(database_url: str, locale: str = "en") -> AsyncIterator[Shop]:
    """A shop whose buyer has just asked for a code."""
    async with open_shop(database_url) as shop:
        vault = shop.store.vault
        call = call_of((await shop.channel()).id)
        cmd = identity.ResolveBuyer("mia")
        who = (await shop.store.run(lambda b: identity.resolve_buyer(b, vault, call, cmd))).account
        wish = link_kinds.CreateLink("email_code", EMAIL, locale, mails=True)
        await shop.store.run(lambda b: links.create_link(b, vault, call, who.id, wish))
        yield shop


def mailer(shop: Shop, carrier: Any, keep: bool = False) -> Mailer:
    """As the wiring makes it."""
    return Mailer(shop.store.mails, shop.store.vault, carrier, lambda: call_of().now, "Nebula", keep)


async def only(shop: Shop) -> Mail:
    """The one mail there is."""
    (mail,) = await shop.rows(Mail)
    return mail


@pytest.mark.parametrize(("locale", "word"), [("en", "linking"), ("de-AT", "verknüpft"), ("zh", "验证码")])
async def test_a_code_arrives_in_the_buyers_language(database_url: str, locale: str, word: str) -> None:
    """From the merchant, to the address, with the code in the text only; then nobody can read it here any more."""
    async with one_mail(database_url, locale) as shop:
        with postbox() as box:
            sender = mailer(shop, SmtpCarrier(box.url, SENDER))
            assert await sender.run_once(call_of().now) == 1
            assert await sender.run_once(call_of().now) == 0
        (got,) = box.got
        body = got.get_content()
        assert (got["From"], got["To"], got["Auto-Submitted"]) == (SENDER, EMAIL, "auto-generated")
        assert word in body
        assert "Nebula" in body
        code = next(word for word in body.split() if "-" in word)
        assert code in str(got.get_payload()), "as it is sent, too, whatever the language"
        assert not any(character.isdigit() for character in got["Subject"])
        mail = await only(shop)
        assert (mail.state, mail.sealed, mail.key_id) == ("sent", None, None)


async def test_what_is_not_taken_is_tried_again(database_url: str) -> None:
    """IDN-023: a server that is away, then busy; the books say why without the address, and the code still goes out."""
    async with one_mail(database_url) as shop:
        now = call_of().now
        gone = mailer(shop, SmtpCarrier("smtp://127.0.0.1:1", SENDER))
        assert await gone.run_once(now) == 1
        mail = await only(shop)
        assert (mail.state, mail.attempts, mail.last_error) == ("pending", 1, "ConnectionRefusedError")
        assert await gone.run_once(now) == 0
        with postbox() as box:
            box.answer = f"451 {EMAIL} is busy"
            sender = mailer(shop, SmtpCarrier(box.url, SENDER))
            await sender.run_once(now + timedelta(minutes=1))
            assert (await only(shop)).last_error == "SMTP 451"
            box.answer = "250 OK"
            await sender.run_once(now + timedelta(minutes=2))
            assert len(box.got) == 1


async def test_what_is_refused_for_good_is_given_up(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A mailbox that is not there: no second try, no code kept, and neither it nor the address in the log."""
    async with one_mail(database_url) as shop:
        with postbox() as box:
            box.answer = f"550 no mailbox {EMAIL}"
            await mailer(shop, SmtpCarrier(box.url, SENDER)).run_once(call_of().now)
        mail = await only(shop)
        assert (mail.state, mail.sealed, mail.last_error) == ("parked", None, "SMTP 550")
        # the mail server of the test writes a log of its own
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]
        assert "a mail is not sent" in " ".join(ours)
        assert not any(EMAIL in line for line in ours)


async def test_an_expired_code_is_not_sent(database_url: str) -> None:
    """When nobody could use it any more."""
    async with one_mail(database_url) as shop:
        with postbox() as box:
            late = call_of().now + timedelta(hours=1)
            assert await mailer(shop, SmtpCarrier(box.url, SENDER)).run_once(late) == 0
        assert box.got == []


async def test_two_gateways_send_a_mail_once(database_url: str) -> None:
    """Whoever has claimed it sends it."""
    async with one_mail(database_url) as shop:
        with postbox() as box:
            both = [mailer(shop, SmtpCarrier(box.url, SENDER)) for _ in range(2)]
            await asyncio.gather(*(one.run_once(call_of().now) for one in both))
        assert len(box.got) == 1


async def test_passwords_are_for_encrypted_connections(database_url: str) -> None:
    """A server without STARTTLS does not get the password; the mail waits."""
    async with one_mail(database_url) as shop:
        with postbox() as box:
            await mailer(shop, SmtpCarrier(box.url, SENDER, "shop", "s3cret")).run_once(call_of().now)
        assert box.got == []
        mail = await only(shop)
        assert (mail.state, mail.last_error) == (
            "pending",
            "no STARTTLS, and a password is for encrypted connections only",
        )


async def test_a_running_gateway_mails_by_itself(database_url: str) -> None:
    """From create_link to the mail server and back by confirm_link; in a sandbox the code can be read as well."""
    with (
        postbox() as box,
        in_process(database_url, mail_url=box.url, mail_from=SENDER, name="Nebula") as gateway,
    ):
        mia = await resolved(await gateway.channel())
        link = (await mia.begin("email_code", email=EMAIL)).json
        for _ in range(100):
            if box.got:
                break
            await asyncio.sleep(0.1)
        code = next(word for word in box.got[0].get_content().split() if "-" in word)
        assert (await mia.confirm(link, code=code)).json["status"] == "confirmed"
        async with open_shop(database_url, "k:" + "A" * 43 + "=") as shop:
            rows = await shop.store.engine.scan(text("SELECT state FROM mails"))
            assert [row[0] for row in rows] == ["sent"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"mail_url": "smtp://mail.example"}, "go together"),
        ({"mail_url": "https://mail.example", "mail_from": SENDER}, "smtp://HOST:PORT"),
        ({"mail_url": "smtp://u:p@mail.example", "mail_from": SENDER}, "setting of its own"),
        ({"mail_user": "u"}, "VGCP_MAIL_PASSWORD"),
    ],
)
def test_settings_that_do_not_go_together_are_named(settings: dict[str, Any], word: str) -> None:
    """In the operator's words."""
    assert any(word in problem for problem in Settings(**settings).problems())
    assert not Settings(mail_url="smtps://mail.example:465", mail_from=SENDER).problems()

"""Sends mails with codes: at least once, until the code expires; nobody reads one here, not even in a log."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import urlsplit

from gateway.core import mails
from gateway.core.model_identity import Mail
from gateway.core.ports import Vault

log = logging.getLogger(__name__)
AT_ONCE = 16
LEASE = timedelta(seconds=60)  # longer than a try
TIMEOUT = 15.0
FIRST, LONGEST = 2.0, 120.0  # seconds before the next try: they double


class Undeliverable(Exception):
    """The other side will never take it. The text says why, without the address."""


class Delayed(OSError):
    """It may work later. The text says why not now, without the address."""


class Carrier(Protocol):
    """Takes a mail away, blocking. Raises Undeliverable, or Delayed or any OSError when it may work later."""

    def carry(self, mail: mails.Composed, message_id: str) -> None: ...


class MailOutbox(Protocol):
    """Mails that wait to be sent."""

    async def claim_mails(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Mail]:
        """Pending mails that are due and whose code is good, leased."""

    async def record_mail(
        self,
        mail_id: str,
        state: str,
        attempts: int,
        next_attempt_at: datetime,
        error: str | None,
        drop: bool,
    ) -> None:
        """What came of a try; `drop` what was sealed."""


@dataclass(frozen=True, slots=True)
class SmtpCarrier:
    """A mail server. `url` is smtp://host:port (with STARTTLS where there is, or where there is a password) or
    smtps://host:port; `sender` is the From address."""

    url: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def carry(self, mail: mails.Composed, message_id: str) -> None:
        """See the port."""
        message = EmailMessage(policy=SMTPUTF8)
        message["From"], message["To"], message["Subject"] = self.sender, mail.to, mail.subject
        message["Date"], message["Message-ID"] = formatdate(), message_id
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices
        # In base64, as Python would choose for Chinese, nobody who looks at the raw mail could read the code.
        message.set_content(mail.text, cte="quoted-printable")
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = max((answer[0] for answer in error.recipients.values()), default=550)
            raise self._judged(code) from None
        except smtplib.SMTPResponseException as error:
            raise self._judged(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise Undeliverable("the server does not take such an address") from None

    def _judged(self, code: int) -> Exception:
        """What an answer means; the server's words may repeat the address, so they go nowhere."""
        return Undeliverable(f"SMTP {code}") if code >= 500 and code != 535 else Delayed(f"SMTP {code}")

    def _connected(self) -> smtplib.SMTP:
        parts, secure = urlsplit(self.url), ssl.create_default_context()
        host = parts.hostname or ""
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=secure)
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT)
        try:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=secure)
            elif parts.scheme == "smtp" and self.password is not None:
                raise Delayed("no STARTTLS, and a password is for encrypted connections only")
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server


class Mailer:
    """Claims due mails under a lease, and has them carried in threads. Without a carrier (a sandbox) they stay here.

    `keep`: a sandbox can read them after they are sent. `name` is what the text calls the merchant.
    """

    def __init__(
        self,
        outbox: MailOutbox,
        vault: Vault,
        carrier: Carrier | None,
        clock: Callable[[], datetime],
        name: str,
        keep: bool,
    ) -> None:
        self._outbox = outbox
        self._vault = vault
        self._carrier = carrier
        self._clock = clock
        self._name = name
        self._keep = keep

    async def run_once(self, now: datetime) -> int:
        """Send what is due; how many tries it were."""
        due = await self._outbox.claim_mails(now, now + LEASE, AT_ONCE)
        await asyncio.gather(*(self._send(mail) for mail in due))
        return len(due)

    async def _send(self, mail: Mail) -> None:
        attempts = mail.attempts + 1
        state, error, again_at = "sent", None, self._clock()
        try:
            await self._carry(mail)
        except Undeliverable as refused:
            state, error = "parked", str(refused)
        except Exception as trouble:  # whatever it is, the next try may work; its text may say too much
            state, error = "pending", str(trouble) if isinstance(trouble, Delayed) else type(trouble).__name__
            again_at += timedelta(seconds=min(FIRST * 2 ** min(attempts - 1, 10), LONGEST))
        if error is not None:
            log.warning("a mail is not sent", extra={"mail_id": mail.id, "error": error})
        drop = state == "parked" or (state == "sent" and not self._keep)
        await self._outbox.record_mail(mail.id, state, attempts, again_at, error, drop)

    async def _carry(self, mail: Mail) -> None:
        if self._carrier is None:
            return
        composed = mails.compose(self._vault, mail, self._name)
        if composed is None:
            raise Undeliverable("there is nothing in it")
        await asyncio.to_thread(self._carrier.carry, composed, make_msgid(mail.id, "vgcp.invalid"))

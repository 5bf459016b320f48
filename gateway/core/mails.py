"""Mails with codes: written in the transaction that makes the code, sealed until they are sent (IDN-023, IDN-049)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.core.model import Call
from gateway.core.model_identity import Link, Mail
from gateway.core.ports import Books, Vault

# By language: the subject, which anybody may see on a locked screen, and the text.
WORDS = {
    "en": (
        "Your code",
        """Your code is

    {code}

It is good until {until} (UTC), for linking your account at {name}.
If you have not asked for it, do nothing: without the code nothing happens.
""",
    ),
    "de": (
        "Ihr Code",
        """Ihr Code lautet

    {code}

Er gilt bis {until} (UTC) und verknüpft Ihr Konto bei {name}.
Haben Sie ihn nicht angefordert, ist nichts zu tun: Ohne den Code geschieht nichts.
""",
    ),
    "zh": (
        "您的验证码",
        """您的验证码是

    {code}

有效期至 {until} (UTC), 用于关联您在 {name} 的账户。
如果不是您本人申请, 请忽略此邮件: 没有验证码, 什么都不会发生。
""",
    ),
}


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail in the clear: for the one who carries it, and nothing else."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    code: str = field(repr=False)


def send(
    books: Books, vault: Vault, call: Call, link: Link, to: str, email: str, code: str, locale: str | None
) -> None:
    """Have the code of a link mailed after the commit; `to` is the address's keyed hash."""
    key = books.new_id("mal")
    clear = json.dumps({"to": email, "code": code, "locale": locale or ""}).encode()
    books.put(
        Mail(
            id=key,
            link_id=link.id,
            identifier_id=to,
            sealed=vault.seal(clear, key),
            key_id=vault.current_key_id,
            state="pending",
            attempts=0,
            next_attempt_at=call.now,
            last_error=None,
            created_at=call.now,
            expires_at=link.expires_at,
            trace_id=call.trace_id,
        )
    )


def compose(vault: Vault, mail: Mail, name: str) -> Composed | None:
    """The mail as it is sent, in the buyer's language where there is one; None when its code is gone."""
    if mail.sealed is None or mail.key_id is None:
        return None
    clear = json.loads(vault.open(mail.sealed, mail.key_id, mail.id))
    subject, text = WORDS.get(clear["locale"].partition("-")[0].lower(), WORDS["en"])
    until = mail.expires_at.strftime("%H:%M")
    return Composed(
        clear["to"], subject, text.format(code=clear["code"], until=until, name=name), clear["code"]
    )

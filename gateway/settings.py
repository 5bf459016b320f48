"""What an operator can set. Each setting has a heading in docs/operations; times are in seconds, sizes in bytes."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from gateway.core import retention

DATABASES = ("sqlite:///", "postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Settings:
    """One gateway's settings. `vault_keys` is "kid:base64key,kid2:…", the first one current; None: a key file."""

    database: str = "sqlite:///vgcp.db"
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    name: str = "VGCP reference gateway"
    public_url: str | None = None
    sandbox: bool = False
    test_secret: str | None = None
    validate_responses: bool = False
    vault_keys: str | None = None
    key_file: Path | None = None
    body_limit: int = 256 * 1024
    token_life: int = 600
    stop_timeout: int = 20
    metrics_public: bool = False
    ready_file: Path | None = None
    log_level: str = "info"
    alert_url: str | None = None
    alert_secret: str | None = None
    suppliers: Path | None = None
    sealed_delivery: bool = True
    mail_url: str | None = None
    mail_from: str | None = None
    mail_user: str | None = None
    mail_password: str | None = None
    identity_providers: Path | None = None
    retention: str = ""

    @property
    def mails(self) -> bool:
        """Whether codes can be mailed; a sandbox without a mail server keeps them for its tests."""
        return self.mail_url is not None or self.sandbox

    def problems(self) -> list[str]:
        """What does not go together, in the operator's words."""
        found = []
        if not self.database.startswith(DATABASES):
            found.append("--database is sqlite:///PATH or postgresql://USER@HOST/NAME")
        if self.sandbox and not self.test_secret:
            found.append("a sandbox needs --test-secret (or VGCP_TEST_SECRET)")
        if self.workers > 1 and self.database.startswith("sqlite"):
            found.append("SQLite is served by one worker; use PostgreSQL for --workers above 1")
        if self.workers > 1 and self.sandbox:
            found.append("a sandbox is served by one worker, because its clock lives in the process")
        if self.public_url is not None and not re.fullmatch(r"https?://[^/?#\s]+", self.public_url):
            found.append("--public-url is an origin, like https://gateway.example, without a path")
        if not 1 <= self.token_life <= 3600:
            found.append("a token lives between 1 and 3600 seconds")
        if self.body_limit < 64 * 1024:
            found.append("the body limit is at least 65536 bytes (ERR-005)")
        return found + self._alert_problems() + self._mail_problems() + self._retention_problems()

    def _retention_problems(self) -> list[str]:
        try:
            retention.parse(self.retention)
        except ValueError as error:
            return [f"--retention: {error}"]
        return []

    def _mail_problems(self) -> list[str]:
        found = []
        if (self.mail_url is None) != (self.mail_from is None):
            found.append("--mail-url and --mail-from go together")
        if self.mail_url is not None and not re.fullmatch(r"smtps?://[^/?#@\s]+", self.mail_url):
            found.append(
                "--mail-url is smtp://HOST:PORT or smtps://HOST:PORT; the password has a setting of its own"
            )
        if (self.mail_user is None) != (self.mail_password is None):
            found.append("--mail-user and VGCP_MAIL_PASSWORD go together")
        return found

    def _alert_problems(self) -> list[str]:
        found = []
        if (self.alert_url is None) != (self.alert_secret is None):
            found.append("--alert-url and --alert-secret (or VGCP_ALERT_SECRET) go together")
        if self.alert_url is not None and not re.fullmatch(r"https?://[^/?#\s]+([/?]\S*)?", self.alert_url):
            found.append("--alert-url is a URL, like https://shop.example/alerts")
        if self.alert_secret is not None and not is_webhook_secret(self.alert_secret):
            found.append("--alert-secret is whsec_ and at least 24 bytes in base64")
        return found


def is_webhook_secret(text: str) -> bool:
    """Whether it is one of Standard Webhooks."""
    try:
        return text.startswith("whsec_") and len(b64decode(text[6:], validate=True)) >= 24
    except ValueError:
        return False

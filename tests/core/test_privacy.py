"""The decision point, as a table; and retention periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core import retention
from gateway.core.model_consent import Consent
from gateway.core.privacy import BASES, DataUse, decide, newest

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON, GONE = NOW + timedelta(seconds=1), NOW


def made(
    decision: str = "given",
    covered: list[str] | None = None,
    expires_at: datetime | None = None,
    revision: int = 1,
    account: str = "buy_a",
    purpose: str = "personalisation",
) -> Consent:
    """A decision."""
    return Consent(
        account,
        purpose,
        "shop",
        "rcp_1",
        decision,
        {"kind": "channels"},
        covered,
        revision,
        NOW,
        expires_at,
        None,
    )


@pytest.mark.parametrize(
    ("purpose", "channel", "origin", "consent", "reason"),
    [
        ("fulfilment", "shop", "shop", None, "own_data"),
        ("fulfilment", "shop", "bot", None, "out_of_scope"),
        ("fraud_prevention", "shop", "shop", None, "own_data"),
        ("fraud_prevention", "shop", "bot", None, "no_consent"),
        ("fraud_prevention", "shop", "shop", made("withdrawn"), "withdrawn"),
        ("fraud_prevention", "shop", "bot", made(), "consent_given"),
        ("personalisation", "shop", "shop", None, "no_consent"),
        ("personalisation", "shop", "bot", None, "no_consent"),
        ("personalisation", "shop", "bot", made(), "consent_given"),
        ("personalisation", "shop", "shop", made(covered=["shop"]), "consent_given"),
        ("personalisation", "shop", "bot", made(covered=["shop"]), "out_of_scope"),
        ("personalisation", "bot", "bot", made(covered=["shop"]), "out_of_scope"),
        ("personalisation", "bot", "shop", made(covered=["bot", "shop"]), "consent_given"),
        ("personalisation", "third", "shop", made(covered=["bot", "shop"]), "out_of_scope"),
        ("personalisation", "shop", "bot", made(expires_at=SOON), "consent_given"),
        ("personalisation", "shop", "bot", made(expires_at=GONE), "expired"),
        ("personalisation", "shop", "shop", made("withdrawn"), "withdrawn"),
        ("unheard_of", "shop", "shop", None, "no_consent"),
    ],
)
def test_decisions(purpose: str, channel: str, origin: str, consent: Consent | None, reason: str) -> None:
    """CNS-014 to CNS-016: what is allowed is own data for orders, or what a consent in force covers."""
    found = decide(purpose, channel, origin, consent, NOW)
    assert found.reason == reason
    assert found.allowed == (reason in {"own_data", "consent_given"})


def test_the_newest_over_all_accounts_counts() -> None:
    """CNS-006: by revision, about the same purpose, whatever account it was made on."""
    older, newer = made(revision=1), made("withdrawn", revision=2, account="buy_b")
    other = made(revision=9, purpose="marketing")
    assert newest([newer, older, other], "personalisation") is newer
    assert newest([other], "personalisation") is None


def test_whoever_asks_is_noted() -> None:
    """CNS-017: each purpose and field with the reason; what is not allowed is not shown by mistake."""
    uses = DataUse("shop", NOW, [made("withdrawn")])
    assert uses.may("personalisation", "orders", "bot").reason == "withdrawn"
    uses.check("shop", "buyer")
    with pytest.raises(PermissionError):
        uses.check("bot", "buyer_input")
    assert uses.asked == {
        ("personalisation", "orders"): "withdrawn",
        ("fulfilment", "buyer"): "own_data",
        ("fulfilment", "buyer_input"): "out_of_scope",
    }


def test_every_purpose_has_a_basis_of_the_standard() -> None:
    """What can be decided is said by the legal basis."""
    assert set(BASES.values()) == {"contract", "legitimate_interest", "consent"}


def test_retention_periods_are_read() -> None:
    """The periods that an operator sets are in force, the others stay; what is no period is named."""
    assert retention.parse("") == retention.DAYS
    assert retention.parse("fulfilment=30, fraud_prevention=1")["fulfilment"] == 30
    for wrong in ("fulfilment", "fulfilment=0", "moon=3", "fulfilment=x"):
        with pytest.raises(ValueError, match="days"):
            retention.parse(wrong)

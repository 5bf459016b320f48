"""Validators say where and what, check formats, and keep what was sent to themselves."""

import pytest

import spec
from spec.loader import parse, type_homes

BUYER = {"reference": "buyer-7"}


def test_every_type_compiles() -> None:
    """There is a validator for each type of the standard, compiled once."""
    for name in spec.type_names():
        assert spec.validator(name) is spec.validator(name)
        assert repr(spec.validator(name)) == f"Validator('{name}')"


def test_an_unknown_type_is_an_error() -> None:
    """Asking for a type, operation or role that there is not raises KeyError."""
    with pytest.raises(KeyError):
        spec.validator("Nothing")
    with pytest.raises(KeyError):
        spec.operation("gateway", "nothing")
    with pytest.raises(KeyError):
        spec.document("buyer")


def test_errors_point_to_the_field() -> None:
    """Each fault comes with the RFC 6901 pointer of its place; a missing member with the place where it would stand."""
    faults = spec.validator("ReservationRequest").errors({"offer_id": "off_1", "quantity": 0, "buyer": {}})
    assert [pointer for pointer, _ in faults] == ["/buyer/reference", "/quantity"]
    assert all(message for _, message in faults)
    assert spec.validator("ReservationRequest").errors([]) != []


def test_pointers_are_escaped() -> None:
    """A name with a slash or a tilde is escaped in the pointer (RFC 6901, section 3)."""
    product = {"id": "prd_1", "name": "a", "category": "b", "translations": {"a/b~c": {}}}
    assert spec.validator("Product").errors(product) == [("/translations/a~1b~0c/name", "Is required.")]


def test_formats_are_checked() -> None:
    """A date that is none and an URI that is none are refused, and so are times with an offset."""
    clock = spec.validator("TestClockState")
    assert clock.is_valid({"now": "2026-02-28T23:59:59.25Z"})
    for bad in ("2026-02-30T00:00:00Z", "2026-02-28T00:00:00+01:00", "2026-02-28", "now"):
        assert clock.errors({"now": bad}), bad
    assert spec.validator("DownloadContent").errors({"url": "no uri", "expires_at": "2026-02-28T23:59:59Z"})


def test_messages_keep_the_value_out() -> None:
    """What was sent is in no message, so that a code in the wrong place gets into no answer and no log."""
    secret = "AAAA-BBBB-CCCC secret"
    faults = spec.validator("OrderRequest").errors({"reference": secret, "buyer": secret, "lines": [secret]})
    assert faults
    assert all(secret not in message and secret not in pointer for pointer, message in faults)


def test_unknown_members_pass() -> None:
    """Objects are open: a member that nobody knows is no fault, at any depth (CNV-001)."""
    request = {
        "offer_id": "off_1",
        "quantity": 1,
        "buyer": {**BUYER, "mood": "fine"},
        "gift_wrap": {"red": True},
    }
    assert spec.validator("ReservationRequest").errors(request) == []


def test_integers_are_whole() -> None:
    """Money is whole: a fraction is refused, and so are what looks like a number and a truth value."""
    money = spec.validator("Money")
    assert money.is_valid({"amount": 0, "currency": "EUR"})
    for bad in (1.5, "1", True, -1, 2**53):
        assert not money.is_valid({"amount": bad, "currency": "EUR"}), bad


def test_one_name_for_one_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files with one type name are refused, because bundling would lose one of the two."""
    files = {
        "schemas/a.yaml": parse("Order: {type: object}"),
        "schemas/b.yaml": parse("Order: {type: string}"),
    }
    monkeypatch.setattr("spec.loader.schema_files", lambda: tuple(files))
    monkeypatch.setattr("spec.loader.read", files.__getitem__)
    with pytest.raises(ValueError, match="Order is defined in"):
        type_homes.__wrapped__()

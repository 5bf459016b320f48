"""Which rows still name a buyer, as their indexes and the statements that use them have it, word for word."""

_NAMED = "substr(buyer_reference, 1, 7) <> 'erased:'"  # a row leaves its index as it is forgotten
NAMED_ORDERS = (
    "status NOT IN ('created', 'disputed', 'fulfilling', 'paid', 'payment_required', 'verification_required')"
    f" AND {_NAMED}"
)
NAMED_HOLDS = f"status <> 'active' AND {_NAMED}"

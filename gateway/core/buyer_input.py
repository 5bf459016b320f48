"""What an offer asks of its buyer: a JSON Schema (2020-12) that the line's `buyer_input` must satisfy (ORD-007)."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

import jsonschema_rs
import orjson

from gateway.core.eip55 import is_address
from gateway.core.errors import ProtocolError, at, refuse
from gateway.core.model import Json, Offer

MAX_ERRORS = 20
# The regex engine without backtracking: time linear in the input, whatever the merchant's pattern
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20)


# What every token needs to know of its buyer.
ADDRESS: Json = {
    "type": "object",
    "required": ["address"],
    "properties": {"address": {"type": "string", "title": "Address", "pattern": "^0x[0-9a-fA-F]{40}$"}},
}


def form(delivery_kind: str, wanted: Json | None) -> Json | None:
    """What an offer asks for, when its merchant wants this: of a token's buyer her address, at least."""
    return ADDRESS if delivery_kind == "token" and wanted is None else wanted


def check_schema(schema: Json, pointer: str) -> None:
    """Raises ProtocolError `invalid` when this is no JSON Schema that can be used; references elsewhere are not."""
    try:
        _compiled(orjson.dumps(schema))
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        detail = "Is not a usable JSON Schema (2020-12)."
        raise refuse("invalid", pointer, detail) from error


def check(offer: Offer, given: Json | None, pointer: str) -> Json | None:
    """The input to keep with the order line: what was given, or None when the offer asks for none.

    Raises ProtocolError `buyer_input_invalid` with a pointer to each bad member; values are never repeated.
    """
    if offer.buyer_input is None:
        return None
    value: Json = {} if given is None else given
    validator = _compiled(orjson.dumps(offer.buyer_input))
    faults = [
        at(f"{pointer}{_pointer(error.instance_path)}", error.message)
        for error in islice(validator.iter_errors(value), MAX_ERRORS)
    ]
    if offer.delivery_kind == "token" and not faults and not is_address(str(value.get("address"))):
        faults = [at(f"{pointer}/address", "Is no address, or its checksum (EIP-55) is wrong.")]
    if faults:
        raise ProtocolError("buyer_input_invalid", f"{len(faults)} faults in the buyer input.", *faults)
    return value


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _no_retrieval(uri: str) -> Json:
    raise ValueError(f"{uri} is outside of the schema")


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        orjson.loads(schema),
        validate_formats=True,
        pattern_options=PATTERNS,
        retriever=_no_retrieval,
        mask="The value",  # what the buyer typed stays out of problem documents
    )

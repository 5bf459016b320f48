"""Forms and questions for what an offer asks of its buyer: region and buyer input (SEL-003, SEL-014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reference_channels.kit.errors import Json


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `kind` is text, email, number, checkbox or select; `name` the member of buyer_input."""

    name: str
    label: str
    kind: str
    required: bool
    hint: str = ""
    options: tuple[str, ...] = ()


FORMATS = {"email": "email", "uri": "url", "date": "date"}


def regions(offer: Json) -> list[str]:
    """The countries an offer may be sold in; empty when everywhere."""
    return sorted(offer.get("restrictions", {}).get("regions", []))


def schema_fields(offer: Json) -> list[Field]:
    """The inputs for an offer's buyer_input schema: its top-level members that a person can fill in."""
    schema = offer.get("buyer_input", {})
    required = schema.get("required", [])
    return [
        _field(name, each, name in required)
        for name, each in schema.get("properties", {}).items()
        if isinstance(each, dict)
    ]


def _field(name: str, schema: Json, required: bool) -> Field:
    label = str(schema.get("title") or name.replace("_", " ").capitalize())
    hint = str(schema.get("description", ""))
    if "enum" in schema:
        return Field(name, label, "select", required, hint, tuple(str(each) for each in schema["enum"]))
    kind = {"integer": "number", "number": "number", "boolean": "checkbox"}.get(
        schema.get("type", ""), "text"
    )
    return Field(name, label, FORMATS.get(schema.get("format", ""), kind), required, hint)


def entered(offer: Json, form: Mapping[str, str]) -> Json:
    """The buyer_input document from the form's `in.` fields; what was left empty is left out (CNV-007)."""
    schema = offer.get("buyer_input", {}).get("properties", {})
    found: Json = {}
    for name, each in schema.items():
        text = form.get(f"in.{name}", "").strip()
        if each.get("type") == "boolean":
            found[name] = text == "on"
        elif text:
            found[name] = typed(text, each)
    return found


def typed(text: str, schema: Json) -> object:
    """Text as the schema's type; left as text where it does not fit, for the validator to say so."""
    for option in schema.get("enum", []):
        if str(option) == text:
            return option
    try:
        return {"integer": int, "number": float}.get(schema.get("type", ""), str)(text)
    except ValueError:
        return text

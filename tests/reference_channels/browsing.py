"""Chromium for the browser test: where it is, how it is started, and the shelf it looks at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.reference_channels.scripted import ScriptedGateway

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Set VGCP_SCREENSHOTS=1 to write the pictures for the README; else the tests leave the tree as it is.
PICTURES = ROOT / "docs" / "img" if os.environ.get("VGCP_SCREENSHOTS") == "1" else None
SOLD_OUT, FEW = 7, 4


def stock_up(gateway: ScriptedGateway) -> None:
    """Put the demonstration's catalogue on the gateway's feed: one sold out, one nearly gone, some on promotion."""
    catalogue = yaml.safe_load((ROOT / "demo" / "catalogue.yaml").read_text("utf-8"))
    for number, entry in enumerate(catalogue["products"]):
        gateway.add(
            entry["name"],
            codes=0 if number == SOLD_OUT else 20,
            price=entry["price"],
            delivery_kind=entry["delivery_kind"],
            product=_product(entry),
            **_terms(entry, catalogue["currency"], number),
        )


def _product(entry: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: entry[name] for name in ("brand", "category", "description", "translations") if name in entry
    }
    return {"id": "prd_" + entry["id"].replace("-", "_"), **kept}


def _terms(entry: dict[str, Any], currency: str, number: int) -> dict[str, Any]:
    terms: dict[str, Any] = {name: entry[name] for name in ("restrictions", "buyer_input") if name in entry}
    if "promotion" in entry:
        price = {"amount": entry["promotion"]["list_price"], "currency": currency}
        terms["promotion"] = {"label": entry["promotion"]["label"], "list_price": price}
    if number == FEW:
        terms["availability"] = {"status": "low_stock", "quantity": 3}
    return terms

"""What the merchant is told about stock: running low, sold out, back, and soon sold out at this rate.

Each once for each crossing: what was told last is kept (StockWatch), and changes in the alert's own transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.core import wire
from gateway.core.model import Call, Json, Offer, Stock
from gateway.core.model_limits import Alert, StockWatch
from gateway.core.ports import Books
from gateway.core.rows import replace

NEAR = 2.0  # hours to the sell-out from which it is worth an alert; told again when it has been twice as far


def left(stock: Stock) -> int:
    """Units that can still be sold, held ones too: what is held may come back, and sets off no alarm."""
    return max(stock.received - stock.sold - stock.voided - stock.safety, 0)


def level(stock: Stock) -> str:
    """ok, low or sold_out. What has received nothing yet is no reason for an alert."""
    if stock.kind == "unlimited" or stock.received == 0:
        return "ok"
    if left(stock) == 0:
        return "sold_out"
    return "low" if left(stock) <= stock.low_threshold else "ok"


def hours_left(stock: Stock, hourly: float) -> float | None:
    """Until it is sold out when as much is sold as in the last hour; None when nothing is, or nothing can run out."""
    if stock.kind == "unlimited" or hourly <= 0:
        return None
    return left(stock) / hourly


def fresh(stock_id: str, now: datetime) -> StockWatch:
    """Nothing was told yet."""
    return StockWatch(stock_id, "ok", selling_out=False, changed_at=now)


def judge(
    stock: Stock, told: StockWatch, hourly: float | None, now: datetime
) -> tuple[StockWatch, list[str]]:
    """What is known of the stock from now on, and the kinds of alerts that are due. `hourly` None: not looked up."""
    reached, kinds = level(stock), []
    if reached == "sold_out" and told.level != "sold_out":
        kinds.append("stock.sold_out")
    elif told.level == "sold_out" and reached != "sold_out":
        kinds.append("stock.back")
    elif (told.level, reached) == ("ok", "low"):
        kinds.append("stock.low")
    soon = told.selling_out
    if hourly is not None:
        hours = hours_left(stock, hourly)
        soon = bool(left(stock)) and hours is not None and hours <= NEAR * (2 if told.selling_out else 1)
        if soon and not told.selling_out:
            kinds.append("stock.selling_out")
    if (reached, soon) == (told.level, told.selling_out):
        return told, []
    return replace(told, level=reached, selling_out=soon, changed_at=now), kinds


def look(books: Books, call: Call, stock_id: str, hourly: float | None, deliver: bool) -> list[Alert]:
    """A rule: compare a stock with what the merchant was told, and write the alerts that are due.

    `deliver`: there is a webhook to send them to.
    """
    kept = books.get(Stock, stock_id)
    told = books.get(StockWatch, stock_id) or fresh(stock_id, call.now)
    if kept is None:
        return []
    known, kinds = judge(kept, told, hourly, call.now)
    if known == told:
        return []
    books.put(known)
    offers = (
        [offer for offer in books.offers_of_stock(stock_id) if offer.status != "deleted"] if kinds else []
    )
    made = [_alert(books, call, kind, kept, offers, hourly, deliver) for kind in kinds]
    for alert in made:
        books.put(alert)
    return made


def describe(stock: Stock, offers: list[Offer], hourly: float | None, now: datetime) -> Json:
    """What an alert says of a stock. Never a code."""
    said: Json = {
        "stock_id": stock.id,
        "offers": [
            {"offer_id": one.id, "product_id": one.product["id"], "name": one.product["name"]}
            for one in offers
        ],
        "left": left(stock),
        "reserved": stock.reserved,
        "sold": stock.sold,
        "safety_stock": stock.safety,
        "low_threshold": stock.low_threshold,
    }
    if hourly is not None:
        said["sold_per_hour"] = round(hourly, 1)
        hours = hours_left(stock, hourly)
        if hours is not None and hours < 24 * 365:
            said["sells_out_at"] = wire.timestamp(now + timedelta(hours=hours))
    return said


def render(alert: Alert) -> Json:
    """The body of the webhook."""
    return {
        "id": alert.id,
        "type": alert.kind,
        "timestamp": wire.timestamp(alert.occurred_at),
        "data": alert.data,
    }


def _alert(
    books: Books, call: Call, kind: str, kept: Stock, offers: list[Offer], hourly: float | None, deliver: bool
) -> Alert:
    return Alert(
        id=books.new_id("alr"),
        stock_id=kept.id,
        kind=kind,
        occurred_at=call.now,
        data=describe(kept, offers, hourly, call.now),
        state="pending" if deliver else "logged",
        attempts=0,
        next_attempt_at=call.now,
        last_error=None,
    )

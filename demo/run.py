"""`make demo`: sell virtual goods through the open standard, then certify who sold them. About two minutes.

Writes build/demo/summary.json and the reports beside it; exits non-zero when anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from buyer import buy_in_the_shop
from one_buyer import Story
from orders import past_orders
from processes import VGCP, DemoError, json_command
from replay import Replay, Tally
from stage import Stage, open_stage, sandbox_twins

FOLDER = Path(__file__).resolve().parent.parent / "build" / "demo"
Json = dict[str, Any]


def say(text: str = "") -> None:
    """Print one line now."""
    print(text, flush=True)


class Progress:
    """A line that grows with the replay: in place on a terminal, every thousand orders elsewhere."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started, self._shown = total, 0, time.monotonic(), 0.0

    def __call__(self, tally: Tally) -> None:
        """One more order is done."""
        self._done += 1
        last, now = self._done == self._total, time.monotonic()
        if sys.stdout.isatty():
            if now - self._shown < 0.1 and not last:
                return
        elif self._done % 1000 and not last:
            return
        self._shown = now
        rate = self._done / max(now - self._started, 0.001)
        counts = f"{tally.units:,} units   {sum(tally.refused.values()):,} refused"
        text = f"  {self._done:>6,} of {self._total:,} orders   {rate:>5.0f}/s   {counts}"
        print(text, end="\r" if sys.stdout.isatty() and not last else "\n", flush=True)


def certify(name: str, url: str, secret: str) -> Json:
    """Run `vgcp certify` as a vendor would; its exit code and where its reports are."""
    role, out = "gateway" if name == "gateway" else "channel", FOLDER / f"certificate-{name}"
    words = ["certify", role, url, "--test-secret", secret, "--out", str(out)]
    done = subprocess.run([*VGCP, *words], check=False)
    return {
        "certified": done.returncode == 0,
        "exit_code": done.returncode,
        "reports": str(out.relative_to(FOLDER.parent.parent)),
    }


def trade(stage: Stage, count: int) -> tuple[Json, Tally]:
    """One purchase in the shop's pages, then the replay."""
    say("\n2. A buyer buys in the web shop")
    bought = asyncio.run(buy_in_the_shop(stage.shop_url, "Starfall Odyssey"))
    say(
        f"  paid {bought['price']} for {bought['product']} and opened a code of {bought['code_length']} characters"
    )
    history = list(past_orders(count))
    say(f"\n3. {len(history):,} real orders (CDNOW, from {history[0].day} on) through five channels at once")
    replay = Replay(stage.channels, stage.gateway_url)
    return bought, asyncio.run(replay.run(history, Progress(len(history))))


def summarise(tally: Tally, audit: Json, certificates: Json, bought: Json) -> Json:
    """The figures of summary.json. The purchase in the shop counts as one order of one unit."""
    attempts = tally.orders + sum(tally.refused.values()) + tally.unknown
    return {
        "orders": tally.orders + 1,
        "units": tally.units + 1,
        "revenue": {"amount": tally.revenue + bought["amount"], "currency": "USD"},
        "codes_delivered": tally.codes_delivered + 1,
        "licences_delivered": tally.licences_delivered,
        "links_delivered": tally.links_delivered,
        "codes_delivered_twice": tally.delivered_twice,
        "refused": sum(tally.refused.values()),
        "refused_by_reason": dict(tally.refused.most_common()),
        "unknown": tally.unknown,
        "orders_by_channel": {"web shop": 1, **dict(tally.by_channel.most_common())},
        "books_balance": bool(audit["balanced"]),
        "orders_per_second": round(tally.orders / tally.seconds, 1) if tally.seconds else 0.0,
        "attempts_per_second": round(attempts / tally.seconds, 1) if tally.seconds else 0.0,
        "certified": {role: made["certified"] for role, made in certificates.items()},
    }


def faults(summary: Json, tally: Tally, audit: Json) -> list[str]:
    """What is wrong with the run, in words; empty when all is well."""
    delivered = tally.codes_delivered + tally.licences_delivered + tally.links_delivered
    checks = {
        "a code went out twice": summary["codes_delivered_twice"] == 0,
        "the books do not balance": summary["books_balance"],
        "the gateway's books do not say what the buyers got": audit["units_sold"] == summary["units"],
        "an order was paid and not delivered": delivered == tally.units,
        "an order's fate is not known": summary["unknown"] == 0,
        "nothing was sold": tally.orders > 0,
        "not certified": all(summary["certified"].values()),
    }
    return [text for text, fine in checks.items() if not fine]


def show(summary: Json) -> None:
    """The figures, for a person."""
    say("\n6. What happened")
    rate = f"{summary['orders_per_second']:,.0f} a second, each with its goods opened"
    say(f"  orders            {summary['orders']:>10,}   ({rate})")
    say(f"  revenue       USD {summary['revenue']['amount'] / 100:>10,.2f}")
    say(f"  units             {summary['units']:>10,}")
    say(f"  codes delivered   {summary['codes_delivered']:>10,}   twice: {summary['codes_delivered_twice']}")
    say(f"  licences, links   {summary['licences_delivered']:>10,} , {summary['links_delivered']:,}")
    reasons = ", ".join(f"{count} {reason}" for reason, count in summary["refused_by_reason"].items())
    say(f"  refused           {summary['refused']:>10,}   {reasons}")
    say(f"  books balance     {'yes' if summary['books_balance'] else 'NO':>10}")
    for role, fine in summary["certified"].items():
        say(f"  {role + ' certified':<17} {'yes' if fine else 'NO':>10}")
    say(f"\nReports: {FOLDER}/certificate-*/report.html")
    say(f"Summary: {FOLDER}/summary.json.  To click around in the shop: make serve")


def run(count: int) -> int:
    """The whole demonstration with `count` orders of the history."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    say("1. A gateway, its catalogue and codes, and a web shop")
    with open_stage(FOLDER, scale=max(1, count // 5000)) as stage:
        say(f"  gateway {stage.gateway_url}   shop {stage.shop_url}")
        bought, tally = trade(stage, count)
        audit = json_command("gateway", "audit", "--database", stage.database)
    say(
        "\n4. One person over a shop and a chat (twins in sandbox mode; docs/one-buyer.md has all that is said)"
    )
    with sandbox_twins(FOLDER) as twins:
        Story(twins, FOLDER).tell()
        say(
            "  bought on both, linked, saw all, proved, handed on, withdrew her consent, took her data, was forgotten"
        )
        say(
            "\n5. Certification of shop, bot and gateway (twins in sandbox mode: certifying resets what it certifies)"
        )
        certificates = {
            "shop": certify("shop", twins.shop_url, twins.secret),
            "bot": certify("bot", twins.bot_url, twins.secret),
            "gateway": certify("gateway", twins.gateway_url, twins.secret),
        }
    summary = summarise(tally, audit, certificates, bought)
    (FOLDER / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    show(summary)
    wrong = faults(summary, tally, audit)
    for text in wrong:
        say(f"WRONG: {text}")
    return 1 if wrong else 0


def main() -> int:
    """Read the options and run. Exit codes: 0 all is well, 1 something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python demo/run.py --orders 1000")
    parser.add_argument(
        "--orders",
        type=int,
        default=5000,
        help="how many orders of the history to replay (default 5000, all are 69659)",
    )
    options = parser.parse_args()
    if options.orders < 1:
        parser.error("--orders takes a number from 1")
    try:
        return run(options.orders)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""`vgcp stock …`: list, set, watch, alerts, as a merchant types them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli import stock
from gateway.core.alerts import look
from gateway.storage.store import open_store
from tests.admin.conftest import Merchant
from tests.core.world import World, line

CATALOGUE = "\n".join(
    (
        "id,name,category,delivery_kind,price,currency,quantity,low_threshold,safety_stock,"  # noqa: ISC004
        "purchase_limit,purchase_limit_days,channel_limit",
        "GAME-1,Starfall,game_key,licence,1499,EUR,20,4,2,2,30,",
        "GAME-2,Nebula,game_key,licence,999,EUR,6,5,,,,500",
        "EDIT-1,Editor,licence,licence,2999,EUR,,,,,,",
    )
)


def vgcp(merchant: Merchant, *words: str, code: int = 0) -> Result:
    """Run `vgcp stock …`."""
    environment = {"VGCP_DATABASE": merchant.database, "VGCP_VAULT_KEYS": merchant.ring}
    done = CliRunner().invoke(stock, list(words), env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def listed(merchant: Merchant) -> dict[str, dict[str, Any]]:
    """`stock list`, by product."""
    return {row["product"]: row for row in json.loads(vgcp(merchant, "list", "--json").stdout)}


def test_levels_and_limits_come_with_the_catalogue(merchant: Merchant) -> None:
    """As columns; again, they change, and a column that is left out leaves a level as it is."""
    path = merchant.file("catalogue.csv", CATALOGUE)
    merchant.run("import", path)
    rows = listed(merchant)
    assert (rows["prd_GAME-1"]["safety"], rows["prd_GAME-1"]["limits"]) == (2, "buyer 2/30d")
    assert (rows["prd_GAME-2"]["safety"], rows["prd_GAME-2"]["limits"]) == (0, "channel 500")
    assert rows["prd_EDIT-1"]["limits"] == "-"
    assert merchant.json("import", path)["products_unchanged"] == 3
    merchant.file("catalogue.csv", CATALOGUE.replace(",20,4,2,2,30,", ",20,4,,3,,"))
    assert merchant.json("import", path)["products_changed"] == 1
    assert (listed(merchant)["prd_GAME-1"]["safety"], listed(merchant)["prd_GAME-1"]["limits"]) == (
        2,
        "buyer 3",
    )
    merchant.file("catalogue.csv", CATALOGUE.replace(",20,4,2,2,30,", ",20,4,-1,2,400,"))
    said = merchant.run("import", path, code=1).output
    assert "safety_stock is a whole number" in said
    assert "purchase_limit/days" in said


def test_tiers_come_with_the_catalogue(merchant: Merchant) -> None:
    """In a column, or in YAML; what is wrong is named by its field."""
    head, *rows = CATALOGUE.splitlines()
    table = f"{head},purchase_limit_tiers\n" + "\n".join(f"{row},gold=5 trial=0" for row in rows[:1])
    path = merchant.file("catalogue.csv", table)
    merchant.run("import", path)
    assert listed(merchant)["prd_GAME-1"]["limits"] == "buyer 2/30d gold=5 trial=0"
    for wrong, said in (
        ("gold=many", "purchase_limit/tiers/gold"),
        ("Gold=5", "purchase_limit/tiers: 'Gold'"),
    ):
        merchant.file("catalogue.csv", table.replace("gold=5", wrong))
        assert said in merchant.run("import", path, code=1).output
    row = "{id: A, name: A, category: licence, delivery_kind: licence, price: 1, currency: EUR, restrictions: %s}"
    path = merchant.file(
        "catalogue.yaml", f"products:\n- {row}" % "{channel_limit: {quantity: 1, tiers: {gold: 2}}}"
    )
    assert "channel_limit/tiers: Tiers are of buyers" in merchant.run("import", path, code=1).output


def test_set(merchant: Merchant) -> None:
    """Each by itself, for all channels or for one; and taken away again."""
    merchant.run("import", merchant.file("catalogue.csv", CATALOGUE))
    client = merchant.json("channel", "add", "Shop")["client_id"]
    vgcp(merchant, "set", "GAME-2", "--safety", "3", "--low", "50")
    vgcp(merchant, "set", "GAME-2", "--purchase-limit", "1")
    vgcp(merchant, "set", "GAME-2", "--channel", client, "--channel-limit", "9", "--channel-days", "1")
    row = listed(merchant)["prd_GAME-2"]
    assert (row["safety"], row["limits"]) == (3, f"buyer 1, channel 500, {client} 9/1d")
    tiers = ("--purchase-tier", "gold=5", "--purchase-tier", "trial=0")
    said = json.loads(vgcp(merchant, "set", "GAME-2", "--purchase-limit", "2", *tiers, "--json").stdout)
    assert said["restrictions"]["purchase_limit"] == {"quantity": 2, "tiers": {"gold": 5, "trial": 0}}
    assert listed(merchant)["prd_GAME-2"]["limits"].startswith("buyer 2 gold=5 trial=0, ")
    said = json.loads(vgcp(merchant, "set", "GAME-2", "--no-purchase-limit", "--json").stdout)
    assert said["low_threshold"] == 50
    assert said["restrictions"] == {"channel_limit": {"quantity": 500}}
    assert said["channel_limits"] == {client: {"quantity": 9, "days": 1}}
    vgcp(merchant, "set", "GAME-2", "--channel", client, "--no-channel-limit")
    vgcp(merchant, "set", "GAME-2", "--no-channel-limit")
    assert listed(merchant)["prd_GAME-2"]["limits"] == "-"


def test_set_says_what_does_not_fit(merchant: Merchant) -> None:
    """In a sentence."""
    merchant.run("import", merchant.file("catalogue.csv", CATALOGUE))
    for words, said in (
        (("nothing",), "0 offers are called 'nothing'"),
        (("GAME-1", "--channel", "chn_x", "--channel-limit", "1"), "there is no channel 'chn_x'"),
        (("GAME-1", "--channel", "chn_x"), "--channel needs"),
        (("GAME-1", "--purchase-days", "3"), "--purchase-days needs"),
        (("GAME-1", "--purchase-limit", "3", "--no-purchase-limit"), "either"),
        (("GAME-1", "--purchase-tier", "gold=3"), "--purchase-tier needs"),
        (("GAME-1", "--purchase-limit", "3", "--purchase-tier", "Gold=3"), "'Gold=3' is not like gold=5"),
        (("GAME-1", "--purchase-limit", "3", "--purchase-tier", "gold=x"), "'gold=x' is not like gold=5"),
        (("GAME-1", "--safety", "-1"), "not in the range"),
    ):
        done = CliRunner().invoke(
            stock, ["set", *words], env={"VGCP_DATABASE": merchant.database, "VGCP_VAULT_KEYS": merchant.ring}
        )
        assert done.exit_code in (1, 2)
        assert said in done.output


def trade(merchant: Merchant, product: str, quantity: int) -> None:
    """Sell so many, and let the watch look."""

    async def run() -> None:
        store = open_store(merchant.database, merchant.ring)
        try:
            world = World(store, store.vault)  # type: ignore[arg-type]
            channel = await world.channel()
            offers = await store.queries.offers()
            offer = next(one for one in offers if one.product["id"] == product)
            for number in range(quantity):
                await world.order(channel, line(offer), buyer={"reference": f"b{number}"})
            await store.run(lambda books: look(books, world.call(), offer.stock_id, 7.0, deliver=False))
        finally:
            await store.close()

    asyncio.run(run())


def test_watch_once_and_alerts(merchant: Merchant) -> None:
    """A table for a person, lines for a program; the most urgent first. And the alerts so far."""
    merchant.run("import", merchant.file("catalogue.csv", CATALOGUE))
    trade(merchant, "prd_GAME-2", 4)
    lines = [json.loads(one) for one in vgcp(merchant, "watch", "--once", "--json").stdout.splitlines()]
    assert [(one["product"], one["level"], one["on_sale"]) for one in lines] == [
        ("prd_GAME-2", "low", 2),
        ("prd_GAME-1", "ok", 18),
    ]
    assert (lines[0]["sold"], lines[0]["sold_per_hour"], lines[0]["hours_left"]) == (4, 4.0, 0.5)
    assert (lines[1]["sold_per_hour"], lines[1]["hours_left"]) == (0.0, None)
    table = vgcp(merchant, "watch", "--once", "--limit", "1").stdout
    assert "2 products, 1 more" in table
    assert "0h 30m" in table
    assert "GAME-1" not in table
    found = json.loads(vgcp(merchant, "alerts", "--json").stdout)
    assert {one["type"] for one in found} == {"stock.low", "stock.selling_out"}
    assert {one["state"] for one in found} == {"logged"}
    assert "prd_GAME-2" in vgcp(merchant, "alerts").stdout


def test_watch_goes_on_until_ctrl_c(merchant: Merchant) -> None:
    """In a process of its own: what changes is another line, and the interrupt ends it with 0 and no traceback."""
    merchant.run("import", merchant.file("catalogue.csv", CATALOGUE))
    environment = {**os.environ, "VGCP_DATABASE": merchant.database, "VGCP_VAULT_KEYS": merchant.ring,
                   "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
    command = [sys.executable, "-m", "spec.cli", "stock", "watch", "--json", "--every", "0.1"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=merchant.folder,
        text=True,
        preexec_fn=_hear_interrupts,
    ) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert {one["product"] for one in first} == {"prd_GAME-1", "prd_GAME-2"}
        trade(merchant, "prd_GAME-1", 1)
        assert json.loads(process.stdout.readline())["sold"] == 1
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def _hear_interrupts() -> None:
    """Who runs in the background of a shell is born deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_help_has_examples() -> None:
    """Each command shows how it is used."""
    for name in ("list", "set", "watch", "alerts"):
        said = CliRunner().invoke(stock, [name, "--help"]).output
        assert f"vgcp stock {name}" in said

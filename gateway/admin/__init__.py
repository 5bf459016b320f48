"""The merchant's own commands, as `vgcp gateway …` shows them. Not part of the standard.

They work on `ctx.obj`, a `gateway.admin.ports.Backend`, which the wiring provides.
"""

import click

from gateway.admin.books import audit, migrate, orders
from gateway.admin.buyers import buyer
from gateway.admin.channels import channel
from gateway.admin.disputes import dispute
from gateway.admin.importing import codes, import_
from gateway.admin.keys import keys
from gateway.admin.leases import leases_, recall
from gateway.admin.levels import set_
from gateway.admin.privacy import apply_retention, erase, export
from gateway.admin.stock import stock
from gateway.admin.supplies import SUPPLIES_COMMANDS
from gateway.admin.watching import alerts_, watch

# `vgcp stock …`; `list` is `vgcp gateway stock`
STOCK_COMMANDS: dict[str, click.Command] = {
    "list": stock,
    "watch": watch,
    "set": set_,
    "alerts": alerts_,
    "leases": leases_,
    "recall": recall,
}
buyer.add_command(export)
buyer.add_command(erase)
COMMANDS: list[click.Command] = [
    *(migrate, import_, codes, channel, buyer, stock, orders, dispute, keys, audit, apply_retention),
]

__all__ = ["COMMANDS", "STOCK_COMMANDS", "SUPPLIES_COMMANDS"]

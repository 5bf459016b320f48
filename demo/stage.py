"""The set of the demonstration: catalogue and codes on disk, a gateway, five channels, the web shop."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from processes import command, free_port, json_command, server

HERE = Path(__file__).resolve().parent
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
DOORS = ["chat bot", "marketplace", "partner API", "AI agent", "loyalty app"]


@dataclass(frozen=True)
class Stage:
    """What is running: addresses, the channels' credentials by name, and the folder with data and logs."""

    gateway_url: str
    shop_url: str
    channels: dict[str, dict[str, Any]]
    folder: Path
    database: str


def make_code() -> str:
    """A code as a publisher prints it: four groups of five, about 98 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))


def write_catalogue(folder: Path, scale: int) -> Path:
    """Write the catalogue with fresh codes, as `vgcp gateway import` reads it.

    `scale` multiplies the stock of everything but collectibles, which are limited editions.
    """
    catalogue = yaml.safe_load((HERE / "catalogue.yaml").read_text("utf-8"))
    (folder / "codes").mkdir(parents=True, exist_ok=True)
    for product in catalogue["products"]:
        count = product.pop("codes", 0)
        if count:
            total = count * scale if product["category"] != "collectible" else count
            path = folder / "codes" / f"{product['id']}.txt"
            path.write_text("".join(make_code() + "\n" for _ in range(total)))
            path.chmod(0o600)
            product["codes_file"] = str(path)
    target = folder / "catalogue.yaml"
    target.write_text(yaml.safe_dump(catalogue, allow_unicode=True, sort_keys=False), "utf-8")
    return target


@contextmanager
def open_stage(
    folder: Path,
    scale: int,
    gateway_port: int = 0,
    shop_port: int = 0,
    doors: Sequence[str] = DOORS,
    options: Sequence[str] = (),
) -> Iterator[Stage]:
    """Set everything up in `folder` and keep gateway and shop running while the block lasts.

    `doors` are the channels beside the web shop, `options` more words for `vgcp gateway serve`.
    """
    gateway_port, shop_port = gateway_port or free_port(), shop_port or free_port()
    gateway_url, shop_url = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{shop_port}"
    database = f"sqlite:///{folder / 'gateway.db'}"
    where = ["--database", database]
    command("gateway", "migrate", *where)
    command("gateway", "import", str(write_catalogue(folder, scale)), *where, show=True)
    channels = {name: json_command("gateway", "channel", "add", name, *where) for name in doors}
    shop = json_command(
        "gateway", "channel", "add", "web shop", "--url", shop_url, "--scheme", "rfc9421", *where
    )
    serve_gateway = ["gateway", "serve", *where, "--port", str(gateway_port), *options]
    serve_shop = ["webshop", "serve", "--port", str(shop_port), "--gateway", gateway_url]
    serve_shop += ["--signature-scheme", "rfc9421", "--data", str(folder / "shop")]
    secrets_of_shop = {
        "VGCP_CLIENT_ID": shop["client_id"],
        "VGCP_CLIENT_SECRET": shop["client_secret"],
        "VGCP_WEBHOOK_SECRET": shop["webhook_secret"],
    }
    with (
        server(serve_gateway, f"{gateway_url}/readyz", folder / "gateway.log"),
        server(serve_shop, f"{shop_url}/healthz", folder / "shop.log", secrets_of_shop),
    ):
        yield Stage(gateway_url, shop_url, channels, folder, database)


@dataclass(frozen=True)
class Twins:
    """A gateway and two channels in sandbox mode: addresses, and the test secret that all three have."""

    gateway_url: str
    shop_url: str
    bot_url: str
    secret: str


@contextmanager
def sandbox_twins(folder: Path) -> Iterator[Twins]:
    """A gateway, a shop and a bot of the same code in sandbox mode, for certification and for stories.

    Certification resets what it certifies, so it never runs on the books of real trade.
    """
    secret = secrets.token_urlsafe(24)
    env = {"VGCP_TEST_SECRET": secret}
    ports = [free_port() for _ in range(3)]
    gateway_url, shop_url, bot_url = (f"http://127.0.0.1:{port}" for port in ports)
    database = f"sqlite:///{folder / 'sandbox.db'}"
    command("gateway", "migrate", "--database", database)
    gateway = ["gateway", "serve", "--sandbox", "--database", database, "--port", str(ports[0])]
    shop = ["webshop", "serve", "--port", str(ports[1]), "--data", str(folder / "sandbox-shop")]
    bot = ["chatbot", "serve", "--port", str(ports[2]), "--data", str(folder / "sandbox-bot")]
    with (
        server(gateway, f"{gateway_url}/readyz", folder / "sandbox-gateway.log", env),
        server(shop, f"{shop_url}/healthz", folder / "sandbox-shop.log", env),
        server(bot, f"{bot_url}/healthz", folder / "sandbox-bot.log", env),
    ):
        yield Twins(gateway_url, shop_url, bot_url, secret)

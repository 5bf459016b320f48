"""`vgcp gateway`: serve, and the merchant's commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gateway.admin import COMMANDS, STOCK_COMMANDS, SUPPLIES_COMMANDS
from gateway.backend import Backend
from gateway.settings import Settings

EXAMPLES = """
\b
Examples:
  vgcp gateway serve
  vgcp gateway serve --database postgresql://shop@db/vgcp --workers 2 --public-url https://gateway.shop.example
  VGCP_TEST_SECRET=s3cret vgcp gateway serve --sandbox --database sqlite:///sandbox.db --port 8081
"""


@click.group()
@click.pass_context
def gateway(context: click.Context) -> None:
    """The merchant's side: serve the gateway, look after offers, stock and channels."""
    context.obj = Backend()


@gateway.command(epilog=EXAMPLES, context_settings={"auto_envvar_prefix": "VGCP"})
@click.option("--database", default="sqlite:///vgcp.db", show_default=True, envvar="VGCP_DATABASE", metavar="URL",
              help="sqlite:///FILE or postgresql://USER@HOST/NAME. Brought up to date at start.")  # fmt: skip
@click.option(
    "--host", default="127.0.0.1", show_default=True, envvar="VGCP_HOST", help="Address to listen on."
)
@click.option("--port", default=8080, show_default=True, envvar="VGCP_PORT", type=click.IntRange(0, 65535),
              help="0: a free one, which the ready line names.")  # fmt: skip
@click.option("--workers", default=1, show_default=True, envvar="VGCP_WORKERS", type=click.IntRange(1, 64),
              help="Processes; more than one needs PostgreSQL.")  # fmt: skip
@click.option("--public-url", envvar="VGCP_PUBLIC_URL", metavar="URL",
              help="Origin under which channels reach the gateway; also the token issuer.")  # fmt: skip
@click.option(
    "--name", default="VGCP reference gateway", envvar="VGCP_NAME", help="Name in the discovery document."
)
@click.option(
    "--sandbox", is_flag=True, envvar="VGCP_SANDBOX", help="Serve test control. Never with real money."
)
@click.option(
    "--test-secret", envvar="VGCP_TEST_SECRET", help="What test control asks for; needed with --sandbox."
)
@click.option("--validate-responses", is_flag=True, envvar="VGCP_VALIDATE_RESPONSES",
              help="Check every answer against the document; a bad one is an error 500.")  # fmt: skip
@click.option("--vault-keys", envvar="VGCP_VAULT_KEYS", metavar="KID:BASE64,…",
              help="Encryption keys, the current one first. Default: a key file beside the SQLite file.")  # fmt: skip
@click.option("--key-file", envvar="VGCP_KEY_FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="File of encryption keys; made with mode 0600 when it is not there.")  # fmt: skip
@click.option("--token-life", default=600, show_default=True, envvar="VGCP_TOKEN_LIFE", type=click.IntRange(1, 3600),
              help="Seconds that an access token is valid.")  # fmt: skip
@click.option("--body-limit", default=256 * 1024, show_default=True, envvar="VGCP_BODY_LIMIT",
              type=click.IntRange(64 * 1024, 16 * 1024 * 1024), help="Most bytes of a request's body.")  # fmt: skip
@click.option("--stop-timeout", default=20, show_default=True, envvar="VGCP_STOP_TIMEOUT", type=click.IntRange(0, 600),
              help="Seconds that requests in flight have after SIGTERM.")  # fmt: skip
@click.option("--metrics-public", is_flag=True, envvar="VGCP_METRICS_PUBLIC",
              help="Answer /metrics to others than this machine.")  # fmt: skip
@click.option("--ready-file", envvar="VGCP_READY_FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Written once requests are taken: JSON with url and pid.")  # fmt: skip
@click.option("--log-level", default="info", show_default=True, envvar="VGCP_LOG_LEVEL",
              type=click.Choice(["debug", "info", "warning", "error"]),
              help="Of the JSON lines on standard error.")  # fmt: skip
@click.option("--alert-url", envvar="VGCP_ALERT_URL", metavar="URL",
              help="Where you take alerts about stock, as webhooks; default: only in the log.")  # fmt: skip
@click.option("--alert-secret", envvar="VGCP_ALERT_SECRET", metavar="whsec_…",
              help="What they are signed with (Standard Webhooks). Prefer the environment.")  # fmt: skip
@click.option("--suppliers", envvar="VGCP_SUPPLIERS", type=click.Path(dir_okay=False, path_type=Path),
              help="File of those who make goods on demand (YAML).")  # fmt: skip
@click.option("--retention", default="", envvar="VGCP_RETENTION", metavar="PURPOSE=DAYS,…",
              help="Days for which personal data is kept, where not as docs/privacy.md says.")  # fmt: skip
@click.option("--sealed-delivery/--no-sealed-delivery", default=True, show_default=True, envvar="VGCP_SEALED_DELIVERY",
              help="Seal goods to a buyer's key where an order has one, or refuse such orders.")  # fmt: skip
@click.option("--mail-url", envvar="VGCP_MAIL_URL", metavar="URL",
              help="Mail server for codes: smtp://HOST:PORT or smtps://HOST:PORT; default: none are sent.")  # fmt: skip
@click.option("--mail-from", envvar="VGCP_MAIL_FROM", metavar="ADDRESS", help="Who mails are from.")
@click.option("--mail-user", envvar="VGCP_MAIL_USER", help="Who signs in at the mail server.")
@click.option(
    "--mail-password", envvar="VGCP_MAIL_PASSWORD", help="With this password. Prefer the environment."
)
@click.option("--identity-providers", envvar="VGCP_IDENTITY_PROVIDERS",
              type=click.Path(dir_okay=False, path_type=Path),
              help="File of the issuers of id tokens that you trust (YAML).")  # fmt: skip
def serve(**options: Any) -> None:
    """Serve the gateway until SIGTERM, which finishes the requests in flight and ends with exit code 0.

    Liveness is at /livez, readiness at /readyz, Prometheus metrics at /metrics. The log is JSON on standard
    error; standard output gets one line when requests are taken.
    """
    settings = Settings(**options)
    wrong = settings.problems()
    if wrong:
        raise click.UsageError("; ".join(wrong) + ".")
    # the server's libraries take a second, which the other commands need not wait
    from gateway.serving import serve as run

    sys.exit(run(settings))


@click.group()
@click.pass_context
def stock(context: click.Context) -> None:
    """What there is to sell: list it, watch it sell, set limits, see alerts."""
    context.obj = Backend()


@click.group(
    epilog="Examples:\n\n  vgcp supplies list\n\n  vgcp supplies retry sup_0123456789abcdefghjkmnpqrs"
)
@click.pass_context
def supplies(context: click.Context) -> None:
    """Goods made on demand: what is being made, and what needs your decision."""
    context.obj = Backend()


for command in COMMANDS:
    gateway.add_command(command)
for name, command in STOCK_COMMANDS.items():
    stock.add_command(command, name)
for command in SUPPLIES_COMMANDS:
    supplies.add_command(command)

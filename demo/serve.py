"""`make serve`: the gateway and the web shop with the demonstration's catalogue, left running to click around in.

Codes that the gateway mails are shown here, and a script talks with the chat bot.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import VGCP, DemoError, free_port
from stage import Stage, open_stage

FOLDER = Path(__file__).resolve().parent.parent / "build" / "serve"


@contextmanager
def mail_server() -> Iterator[str]:
    """A mail server that prints what it is sent; its URL."""
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([sys.executable, "-m", "aiosmtpd", "--nosetuid", "--listen", address])
    try:
        yield f"smtp://{address}"
    finally:
        process.terminate()
        process.wait(5)


def write_talk(stage: Stage) -> Path:
    """A script that talks with the chat bot, with its credentials, so only for its owner to read."""
    bot = stage.channels["chat bot"]
    given = {"VGCP_CLIENT_ID": bot["client_id"], "VGCP_CLIENT_SECRET": bot["client_secret"]}
    given |= {"VGCP_WEBHOOK_SECRET": bot["webhook_secret"]}
    words = [*VGCP, "chatbot", "talk", "--gateway", stage.gateway_url, "--data", str(stage.folder / "bot")]
    words += ["--log-level", "warning"]
    path = stage.folder / "talk"
    path.touch(mode=0o700)
    lines = [*(f"export {name}={shlex.quote(value)}" for name, value in given.items())]
    path.write_text("\n".join(["#!/bin/sh", *lines, f'exec {shlex.join(words)} "$@"', ""]))
    return path


def main() -> int:
    """Serve until interrupted. Exit code 1 when something does not start."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python demo/serve.py --shop-port 8080"
    )
    parser.add_argument("--gateway-port", type=int, default=8440)
    parser.add_argument("--shop-port", type=int, default=8450)
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    gateway_port = options.gateway_port or free_port()
    # Browsers have passkeys for a name and for no number.
    words = ["--public-url", f"http://localhost:{gateway_port}", "--mail-from", "codes@shop.example"]
    try:
        with (
            mail_server() as mails,
            open_stage(
                FOLDER, 1, gateway_port, options.shop_port, ["chat bot"], [*words, "--mail-url", mails]
            ) as stage,
        ):
            print(f"\nShop     {stage.shop_url}\nGateway  {stage.gateway_url}/.well-known/vgcp")
            print(f"Bot      {write_talk(stage)} (in another terminal; --language zh)")
            print(f"Mails    are shown here\nLogs     {FOLDER}\nCtrl-C stops all.", flush=True)
            stop.wait()
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

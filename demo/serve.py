"""`make serve`: the gateway and the web shop with the demonstration's catalogue, left running to click around in."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
from pathlib import Path

from processes import DemoError
from stage import open_stage

FOLDER = Path(__file__).resolve().parent.parent / "build" / "serve"


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
    try:
        with open_stage(FOLDER, 1, options.gateway_port, options.shop_port) as stage:
            print(f"\nShop     {stage.shop_url}\nGateway  {stage.gateway_url}/.well-known/vgcp")
            print(f"Logs     {FOLDER}\nCtrl-C stops both.", flush=True)
            stop.wait()
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make serve` serves, shows what is mailed, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from tests.house.markdown import ROOT
from tests.reference_channels.ada import Ada
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.test_real_buyers import eventually

START_SECONDS = 120


class Served:
    """The running script, in a copy of its folder: it builds beside itself. `said` is what it has printed."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "demo", folder / "demo")
        catalogue = folder / "demo" / "catalogue.yaml"
        # A few codes are as good as thousands here, and are there sooner.
        catalogue.write_text(re.sub(r"codes: \d+", "codes: 2", catalogue.read_text("utf-8")), "utf-8")
        self.talk = folder / "build" / "serve" / "talk"
        self._said = folder / "said"
        with self._said.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "demo/serve.py", "--gateway-port", "0", "--shop-port", "0"],
                cwd=folder, stdout=sink, stderr=sink, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8")

    def hear(self, words: str) -> re.Match[str]:
        """Wait until it has printed this."""
        end = time.monotonic() + START_SECONDS
        while (found := re.search(words, self.said)) is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Started, and ended at any rate."""
    running = Served(tmp_path)
    children = []
    try:
        running.hear("Ctrl-C stops all")
        children = psutil.Process(running.process.pid).children(recursive=True)
        yield running
    finally:
        running.process.terminate()
        running.process.wait(60)
        left = [each for each in children if each.is_running()]
        for each in left:
            each.kill()
    assert left == []


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_serve_until_interrupted(served: Served) -> None:
    """The shop sells and links, a mailed code is shown, the bot's secrets are its owner's, SIGINT ends it with 0."""
    shop = served.hear(r"Shop +(http://\S+)")[1]
    async with Ada(cast(RunningShop, SimpleNamespace(url=shop))) as ada:
        await eventually(ada, "/?q=starfall", "Starfall Odyssey")
        assert "With a passkey" in await ada.go("/accounts")
        assert "Look into your mail" in await ada.press("/mail", email="ada@shop.example")
    served.hear(r"To: ada@shop\.example[^$]+\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")
    assert stat.S_IMODE(served.talk.stat().st_mode) == 0o700
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(60) == 0

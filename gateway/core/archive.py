"""A ZIP archive made as a stream: what is packed goes out page by page, so it may be larger than the memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.core.model import Json


@dataclass(frozen=True, slots=True)
class File:
    """One file of the archive: its lines come in pages of texts or of objects, which are written as JSON."""

    name: str
    what: str
    pages: AsyncIterator[Iterable[str | Json]]


class _Pipe(io.RawIOBase):
    """Takes what is packed, until it is fetched. Not seekable, so sizes follow the data they are of."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def fetch(self) -> bytes:
        """All since the last time."""
        held, self._held = bytes(self._held), bytearray()
        return held


async def pack(
    files: Iterable[File], manifest: Callable[[list[Json]], Json], now: datetime
) -> AsyncIterator[bytes]:
    """The archive, piece by piece. `manifest` is made last, of the name, meaning and number of lines of each file."""
    pipe, listed = _Pipe(), list[Json]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            count = 0
            with packed.open(_entry(file.name, now), "w", force_zip64=True) as member:
                async for page in file.pages:
                    for line in page:
                        member.write((line.encode() if isinstance(line, str) else orjson.dumps(line)) + b"\n")
                        count += 1
                    yield pipe.fetch()
            listed.append({"name": file.name, "what": file.what, "count": count})
        packed.writestr(
            _entry("manifest.json", now), orjson.dumps(manifest(listed), option=orjson.OPT_INDENT_2)
        )
    yield pipe.fetch()


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry

"""Follows a gateway's log of ownership from outside: is it signed, did it only grow, does it have an entry.

What is kept between two looks is one signed head. Two heads that do not fit are evidence against the gateway, whoever
has them: so the one that was kept stays when something is wrong.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from conformance import merkle
from conformance.fetching import whole
from conformance.timing import HEAD_AGE
from conformance.tokens import verified

Json = dict[str, Any]
SKEW = 300  # seconds by which clocks may differ
PATIENCE = 15  # seconds for an answer
LARGEST = 1 << 20  # bytes of one
TYPE = "vgcp-tree-head+jwt"


class LiedError(Exception):
    """The log is not what it was said to be."""


class UnreadableError(Exception):
    """There is no log to be read, or no head kept."""


@dataclass(frozen=True, slots=True)
class Head:
    """A head whose signature holds. `at` is in seconds since 1970."""

    issuer: str
    size: int
    root: bytes
    at: int
    signed: str

    @classmethod
    def read(cls, signed: str, keys: Json) -> Head:
        """Verify it with a JWKS. Raises LiedError."""
        token = verified(signed, keys)
        if "error" in token or token["header"].get("typ") != TYPE:
            raise LiedError(f"the head is not signed by a key of the gateway's ({token.get('error', 'typ')})")
        claims = token["claims"]
        try:
            return cls(
                str(claims["iss"]),
                int(claims["tree_size"]),
                merkle.decoded(claims["root_hash"]),
                int(claims["iat"]),
                signed,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise LiedError(f"the head lacks {error}") from error


class Log:
    """The log of one gateway; `api` and `keys` are from its discovery document."""

    def __init__(self, http: aiohttp.ClientSession, api: str, keys: Json) -> None:
        self._http = http
        self._api = api.rstrip("/")
        self._keys = keys

    async def head(self) -> Head:
        """The head as it is now. Raises LiedError when it is not signed, or was long ago."""
        answer = await fetched(self._http, f"{self._api}/ownership-log/head")
        head = Head.read(str(answer.get("signed_head")), self._keys)
        age = time.time() - head.at
        if age > HEAD_AGE.seconds + SKEW:
            raise LiedError(f"the head was signed {age:.0f} seconds ago")
        if age < -SKEW:  # it could be shown until then, whatever the log is
            raise LiedError(f"the head was signed {-age:.0f} seconds in the future")
        return head

    async def check_growth(self, before: Head, now: Head) -> None:
        """Raises LiedError unless the log that was seen before is the beginning of what it is now."""
        if before.issuer != now.issuer:
            raise UnreadableError(f"the head that was kept is of {before.issuer}, not of {now.issuer}")
        if now.size < before.size:
            raise LiedError(f"the log had {before.size} entries, and has {now.size}")
        if now.size == before.size and now.root != before.root:
            raise LiedError(f"two trees of {now.size} entries")
        params = f"first={before.size}&second={now.size}"
        answer = await fetched(self._http, f"{self._api}/ownership-log/consistency?{params}")
        proof = merkle.hashes(answer.get("hashes"))
        if not merkle.begins(before.size, now.size, before.root, now.root, proof):
            raise LiedError(f"no proof that the log of {before.size} entries grew to that of {now.size}")

    async def check_entry(self, leaf_hash: str, now: Head) -> int:
        """The place of an entry. Raises LiedError unless it is proven."""
        params = f"leaf_hash={leaf_hash}&tree_size={now.size}"
        answer = await fetched(self._http, f"{self._api}/ownership-log/inclusion?{params}")
        index, leaf = answer.get("leaf_index"), merkle.decoded(leaf_hash)
        proof = merkle.hashes(answer.get("hashes"))
        if not isinstance(index, int) or not merkle.has(leaf, index, now.size, proof, now.root):
            raise LiedError("no proof that the log has the entry")
        return index


async def fetched(http: aiohttp.ClientSession, url: str) -> Json:
    """The JSON object there; also the problem document that says that it is not there. Raises UnreadableError."""
    try:
        async with http.get(url) as answer:
            status, found = answer.status, json.loads(await whole(answer, LARGEST))
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{url} cannot be read: {str(error) or type(error).__name__}") from error
    if status not in (200, 404) or not isinstance(found, dict):
        raise UnreadableError(f"{url} cannot be read: status {status}")
    return found


async def follow(url: str, kept: Path | None, entry: str | None) -> tuple[Head, Head | None, int | None]:
    """Look at the log: its head now, the one that was kept, the place of the entry. Then keep the head.

    Raises LiedError and UnreadableError; then what was kept stays.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as http:
        document = await fetched(http, f"{url.rstrip('/')}/.well-known/vgcp")
        endpoints, keys = document.get("endpoints"), document.get("keys")
        if not isinstance(endpoints, dict) or not isinstance(keys, dict):
            raise UnreadableError(f"{url} is no VGCP gateway")
        log = Log(http, str(endpoints.get("api")), keys)
        now = await log.head()
        before = None if kept is None else _kept(kept)
        if before is not None:
            await log.check_growth(before, now)
        place = await log.check_entry(entry, now) if entry is not None else None
    if kept is not None:
        _keep(kept, now)
    return now, before, place


def _kept(path: Path) -> Head | None:
    """What this program wrote, if it did; it was verified then, with a key that may be gone."""
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text("utf-8"))
        return Head(
            data["issuer"],
            data["tree_size"],
            merkle.decoded(data["root_hash"]),
            data["iat"],
            data["signed_head"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"{path} has no head in it") from error


def _keep(path: Path, head: Head) -> None:
    data = {
        "issuer": head.issuer,
        "tree_size": head.size,
        "root_hash": merkle.encoded(head.root),
        "iat": head.at,
        "signed_head": head.signed,
    }
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be written: {error.strerror}") from error

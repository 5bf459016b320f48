"""Structured logs: one JSON object a line on standard error. Never a body, a token, a secret or a code."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

# What every record has; whatever else is on it was given as `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message, what was given as `extra`, and where an exception came from.

        Of an exception the type and the places are written but never its text, which could quote a request's values.
        """
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in STANDARD})
        if record.exc_info and record.exc_info[0]:
            line["exception"] = _exception(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def _exception(error: BaseException | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while error is not None and len(found) < 5:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        kind = type(error)
        found.append(
            {
                "type": f"{kind.__module__}.{kind.__qualname__}",
                "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            }
        )
        error = error.__cause__ or error.__context__
    return found


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send all logs of the process there, as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # these tell of each connection and of each statement, and web3 of its URL, which may have a secret in it
    for name in ("uvicorn", "connexion", "asyncio", "alembic", "aiohttp", "web3"):
        logging.getLogger(name).setLevel("WARNING")

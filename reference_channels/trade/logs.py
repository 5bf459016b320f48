"""Logs as JSON lines with the trace and request they belong to; the latest are kept for test control
(TST-002)."""

from __future__ import annotations

import logging
import sys
from collections import deque
from contextvars import ContextVar
from typing import Any

import orjson

from reference_channels.kit import trace
from reference_channels.trade.clock import rfc3339

request_id: ContextVar[str | None] = ContextVar("vgcp_request_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
LINES = 10_000
LINE_LENGTH = 16_384


class JsonLines(logging.Formatter):
    """One JSON object per record: time, level, logger, message, trace_id, span_id, request_id, and its
    extras."""

    def format(self, record: logging.LogRecord) -> str:
        step = trace.current.get()
        line: dict[str, Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if step is not None:
            line |= {"trace_id": step.trace_id, "span_id": step.span_id}
        if request_id.get() is not None:
            line["request_id"] = request_id.get()
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()[:LINE_LENGTH]


class Ring(logging.Handler):
    """Keeps the latest lines in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def set_up(level: str) -> None:
    """Send all logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    # The handler's, too: the channel's own loggers say more, for the latest lines kept in memory.
    handler.setLevel(level.upper())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)

"""The databases. This package is the only place that names a dialect; all others speak to `Engine`."""

from __future__ import annotations

from gateway.storage.engine.schema import with_connection

__all__ = ["with_connection"]

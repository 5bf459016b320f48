"""What asyncpg raises, in the words of the rest of the storage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from gateway.storage.engine.base import Conflict, Refused, Unreachable

CONFLICTS = (
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)


@contextmanager
def failures() -> Iterator[None]:
    """Turn the driver's errors into DatabaseFailure."""
    try:
        yield
    except CONFLICTS as error:
        raise Conflict(_said(error)) from error
    except LOST as error:
        raise Unreachable(_said(error)) from error
    except asyncpg.InterfaceError as error:
        # A value that does not fit is the caller's; all else says that the connection is not usable.
        raise (Refused if isinstance(error, ValueError) else Unreachable)(_said(error)) from error
    except asyncpg.PostgresError as error:
        raise Refused(_said(error)) from error


def _said(error: BaseException) -> str:
    """What the driver said, without the row's values that a server adds in its details."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"

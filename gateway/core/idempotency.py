"""One key, one effect: the answer to a key is stored in the transaction of what it did (IDM-002 to IDM-007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.errors import ProtocolError
from gateway.core.model import Call, Idempotency
from gateway.core.ports import Books, Vault

RETENTION = timedelta(days=7)  # IDM-007


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: `body` is the very bytes of the first answer, also when it is given again."""

    status: int
    body: bytes
    replayed: bool


def context(row: Idempotency) -> str:
    """What the body of this row is sealed under when it carries goods."""
    return f"idempotency:{row.channel_id}:{row.operation}:{row.key}"


def idempotent(
    books: Books,
    vault: Vault,
    call: Call,
    operation: str,
    request: bytes,
    run: Callable[[], tuple[int, bytes] | ProtocolError],
    secret: bool = False,
    on_replay: Callable[[], None] | None = None,
    prepare: Callable[[], None] | None = None,
) -> Answer | ProtocolError:
    """Run an operation once per key: `run` gives status and body; a refusal uses up nothing (IDM-010).

    A refusal that leaves something behind (a wrong proof is counted) is returned by `run`, and by this, not raised.

    `request` is the request's fingerprint; `secret` seals the stored body; `on_replay` is run when the answer is
    given again; `prepare` notes what `run` will read. Raises ProtocolError `idempotency_key_reused` (IDM-003), and
    whatever `run` raises.
    """
    if call.idempotency_key is None:
        raise ProtocolError("idempotency_key_missing")
    if prepare is not None:
        prepare()
    known = books.get(Idempotency, call.channel_id, operation, call.idempotency_key)
    if known is not None:
        return _replay(vault, known, request, on_replay)
    done = run()
    if isinstance(done, ProtocolError):
        return done
    status, body = done
    row = Idempotency(call.channel_id, operation, call.idempotency_key, request, status, body, None, call.now)
    books.put(_sealed(vault, row) if secret else row)
    return Answer(status, body, replayed=False)


def _sealed(vault: Vault, row: Idempotency) -> Idempotency:
    return Idempotency(
        row.channel_id,
        row.operation,
        row.key,
        row.fingerprint,
        row.status,
        vault.seal(row.body, context(row)),
        vault.current_key_id,
        row.created_at,
    )


def _replay(vault: Vault, known: Idempotency, request: bytes, on_replay: Callable[[], None] | None) -> Answer:
    if known.fingerprint != request:
        detail = "This key was used with another request; use a new key for each intent."
        raise ProtocolError("idempotency_key_reused", detail)
    if on_replay is not None:
        on_replay()
    body = known.body if known.key_id is None else vault.open(known.body, known.key_id, context(known))
    return Answer(known.status, body, replayed=True)

"""Events: written down in order, given again in the feed, and handed to the postman."""

from __future__ import annotations

import copy

from conformance.mini_gateway import paging, trace
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.world import Json, Note, World


def emit(world: World, owner: str, kind: str, subject: str, revision: int, data: Json, trace_id: str) -> None:
    """Write one event for one client."""
    if world.fault == "event_traces":
        trace_id = trace.new_trace_id()
    body: Json = {
        "type": kind,
        "subject": subject,
        "data": copy.deepcopy(data),
        "revision": 1 if world.fault == "event_revision_stays" else revision,
        "id": world.name("note"),
        "traceparent": trace.traceparent(trace_id),
        "occurred_at": world.stamp(),
    }
    note = Note(owner, body, world.tick())
    world.notes.append(note)
    world.posted.append(note)


def list_events(world: World, call: Call) -> Json:
    """The client's events, oldest first."""
    mine = [n for n in world.notes if n.owner == call.owner.id]
    if world.fault == "feed_forgets_delivered":
        mine = [n for n in mine if not n.taken]
    return paging.feed(world, call, [(n.position, n.body) for n in mine])

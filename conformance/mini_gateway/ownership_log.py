"""The public log of ownership: a list of leaves, and its Merkle tree as RFC 9162 has it, computed anew each time."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.jwk import OKPKey

from conformance import merkle
from conformance.merkle import encoded
from conformance.mini_gateway import paging
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Leaf, World

LARGEST = 2**53 - 1


def write(world: World, change: str, entitlement_id: str, owner: str) -> None:
    """Log a change; `owner` is the buyer's id from then on. Who comes to own something gets a new salt."""
    if world.fault == "log_unwritten" and change == "revoked":
        return
    if change in ("issued", "transferred") or entitlement_id not in world.salts:
        salt = b"always the same!" if world.fault == "log_salt_reused" else secrets.token_bytes(16)
        world.salts[entitlement_id] = salt
    commitment = hashlib.sha256(world.salts[entitlement_id] + owner.encode()).digest()
    leaf = {
        "owner": encoded(commitment),
        "entitlement_id": entitlement_id,
        "change": change,
        "at": world.stamp(),
    }
    if world.fault == "log_names_buyer":
        leaf["buyer"] = owner
    text = json.dumps(leaf, sort_keys=True, separators=(",", ":"))
    late = timedelta(hours=1) if world.fault == "log_late" and "head" in world.read else timedelta()
    world.log.append(Leaf(entitlement_id, text, world.now() + late))


def reference(world: World, entitlement_id: str) -> Json:
    """What the owner gets with her entitlement."""
    newest = [one for one in world.log if one.entitlement_id == entitlement_id][-1]
    salt = secrets.token_bytes(16) if world.fault == "log_salt_wrong" else world.salts[entitlement_id]
    return {"leaf_hash": encoded(merkle.leaf_hash(newest.text.encode())), "salt": encoded(salt)}


def _merged(world: World, call: Call) -> list[str]:
    """The leaves of the tree as it is now."""
    if world.fault == "log_private" and not call.authorization:
        raise Refusal("unauthenticated")
    return [one.text for one in world.log if one.merged_at <= world.now()]


def _hashes(texts: list[str]) -> list[bytes]:
    return [merkle.leaf_hash(text.encode()) for text in texts]


def get_log_head(world: World, call: Call) -> Json:
    """The head, signed."""
    world.read.add("head")
    hashes = _hashes(_merged(world, call))
    root = merkle.root_of(hashes)
    if world.fault == "log_root_wrong" or (world.fault == "log_forked" and call.authorization):
        root = hashlib.sha256(root).digest()
    at = world.now() - timedelta(seconds=600 if world.fault == "log_head_stale" else 0)
    at = at.replace(microsecond=0)
    key = world.key
    if world.fault == "log_head_forged":
        key = OKPKey.generate_key("Ed25519", {"kid": world.key.kid or ""})
    claims = {
        "iss": world.url,
        "iat": int(at.timestamp()),
        "tree_size": len(hashes),
        "root_hash": encoded(root),
    }
    header = {"alg": "Ed25519", "typ": "vgcp-tree-head+jwt", "kid": key.kid}
    return {
        "signed_head": jwt.encode(header, claims, key, algorithms=["Ed25519"]),
        "root_hash": encoded(root),
        "timestamp": world.stamp(at),
        "tree_size": len(hashes),
    }


def list_log_entries(world: World, call: Call) -> Json:
    """Entries from a place on."""
    texts = _merged(world, call)
    start, limit = _number(call, "start", 0, 0), paging.limit(call)
    page = [_entry(world, place, text) for place, text in enumerate(texts)][start : start + limit]
    return {"has_more": start + limit < len(texts), "items": page}


def _entry(world: World, place: int, text: str) -> Json:
    revoked = any('"revoked"' in one.text and one.entitlement_id in text for one in world.log)
    if not revoked:
        world.read.add(text)
    elif world.fault == "log_rewritten" and text in world.read:
        at = json.loads(text)["at"]
        text = text.replace(at, (datetime.fromisoformat(at) - timedelta(days=1)).isoformat()[:23] + "Z")
    hashed = merkle.leaf_hash(text.encode())
    if world.fault == "log_hash_wrong":
        hashed = hashlib.sha256(text.encode()).digest()
    return {"index": place, "leaf_hash": encoded(hashed), "leaf": text}


def get_inclusion_proof(world: World, call: Call) -> Json:
    """That a tree has an entry."""
    hashes, size = _hashes(_merged(world, call)), _number(call, "tree_size", 1)
    wanted = call.query.get("leaf_hash", "")
    if not merkle.decoded(wanted):
        raise Refusal("invalid", name="leaf_hash", where="query")
    found = [place for place, one in enumerate(hashes[:size]) if encoded(one) == wanted]
    if world.fault == "log_proves_anything" and hashes:
        found, size = found or [0], min(size, len(hashes))
    if not found or size > len(hashes):
        raise Refusal("not_found")
    proof = path(found[0], hashes[:size])
    if world.fault == "log_inclusion_wrong":
        proof = proof[:-1]
    return {"tree_size": size, "leaf_index": found[0], "hashes": [encoded(one) for one in proof]}


def get_consistency_proof(world: World, call: Call) -> Json:
    """That a tree begins with a smaller one."""
    hashes = _hashes(_merged(world, call))
    first, second = _number(call, "first", 0), _number(call, "second", 0)
    if second > len(hashes) and world.fault != "log_proves_anything":
        raise Refusal("not_found")
    if first > second:
        raise Refusal("invalid", name="first", where="query")
    proof = subproof(first, hashes[:second], True) if 0 < first < second else []
    if world.fault == "log_consistency_wrong":
        proof = proof[::-1] if len(proof) > 1 else [*proof, merkle.root_of([])]
    return {"second": second, "first": first, "hashes": [encoded(one) for one in proof]}


def _number(call: Call, name: str, least: int, default: int | None = None) -> int:
    text = call.query.get(name, "" if default is None else str(default))
    if not text.isdecimal() or not least <= int(text) <= LARGEST:
        raise Refusal("invalid", name=name, where="query")
    return int(text)


def path(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(hashes) == 1:
        return []
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if index < half:
        return [*path(index, hashes[:half]), merkle.root_of(hashes[half:])]
    return [*path(index - half, hashes[half:]), merkle.root_of(hashes[:half])]


def subproof(first: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if first == len(hashes):
        return [] if whole else [merkle.root_of(hashes)]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if first <= half:
        return [*subproof(first, hashes[:half], whole), merkle.root_of(hashes[half:])]
    return [*subproof(first - half, hashes[half:], False), merkle.root_of(hashes[:half])]

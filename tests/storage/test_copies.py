"""The tests' own PostgreSQL databases are as new, also when one has been used before."""

from __future__ import annotations

import asyncpg

from tests.fixtures.databases import as_new, postgresql_database, templates


async def _run(url: str, statement: str) -> object:
    link = await asyncpg.connect(url)
    try:
        return await link.fetchval(statement)
    finally:
        await link.close()


async def test_a_used_copy_is_as_new(postgresql_server: str, postgresql_template: str) -> None:
    """Rows that a test has written are gone, and what the migrations wrote is there; who was connected is not."""
    template = templates[postgresql_template]
    with postgresql_database(postgresql_server, postgresql_template) as url:
        left = await asyncpg.connect(url)
        await left.execute("UPDATE feeds SET position = 7")
        await left.execute("INSERT INTO feeds (name, position) VALUES ('other', 1)")
        assert await as_new(url, template)
        assert await _run(url, "SELECT array_agg((name, position)::text) FROM feeds") == ["(all,0)"]
        assert left.is_closed()


async def test_a_changed_copy_is_thrown_away(postgresql_server: str, postgresql_template: str) -> None:
    """Another column, and it is no copy any more."""
    with postgresql_database(postgresql_server, postgresql_template) as url:
        await _run(url, "ALTER TABLE feeds ADD COLUMN more integer")
        assert not await as_new(url, templates[postgresql_template])
    with postgresql_database(postgresql_server, postgresql_template) as other:
        assert other != url

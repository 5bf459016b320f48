"""The migrations build what gateway/storage/tables.py says, on both databases."""

from __future__ import annotations

from typing import Any

from alembic import command
from sqlalchemy import Connection, inspect, text

from gateway.storage.engine import with_connection
from gateway.storage.migrate import _config, is_current, upgrade
from gateway.storage.tables import metadata


def plain(index: Any) -> str:
    """An index as text; its condition is an object that only equals itself."""
    options = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def described(database_url: str) -> dict[str, Any]:
    """All that the database itself says about its tables."""
    found: dict[str, Any] = {}

    def look(connection: Connection) -> None:
        inspector = inspect(connection)
        for name in inspector.get_table_names():
            found[name] = {
                "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
                "key": inspector.get_pk_constraint(name),
                "unique": sorted(inspector.get_unique_constraints(name), key=str),
                "checks": sorted(inspector.get_check_constraints(name), key=str),
                "indexes": sorted(plain(index) for index in inspector.get_indexes(name)),
            }

    with_connection(database_url, look)
    return found


def test_migrations_build_what_the_tables_say(empty_database_url: str) -> None:
    """Columns, keys, checks and indexes of the migrated schema are those of the metadata."""
    with_connection(empty_database_url, metadata.create_all)
    wanted = described(empty_database_url)
    with_connection(empty_database_url, metadata.drop_all)
    upgrade(empty_database_url)
    found = described(empty_database_url)
    assert found.pop("alembic_version")
    for name in wanted:
        assert found[name] == wanted[name], name
    assert found.keys() == wanted.keys()


def test_upgrading_twice_is_harmless(empty_database_url: str) -> None:
    """A database knows whether it is up to date, and a second upgrade changes nothing."""
    assert not is_current(empty_database_url)
    upgrade(empty_database_url)
    before = described(empty_database_url)
    upgrade(empty_database_url)
    assert is_current(empty_database_url)
    assert described(empty_database_url) == before


def test_what_was_written_before_is_kept(empty_database_url: str) -> None:
    """Orders, deliveries and movements of the first schema are there after the second, with nothing refunded."""
    rows = {
        "orders": "id, channel_id, reference, status, revision, buyer, lines, total_amount, currency, payment,"
        " created_at, updated_at, trace_id, holds",
        "movements": "id, stock_id, kind, quantity, at, trace_id",
    }
    values = {
        "orders": "'ord_1', 'chn_1', 'r', 'fulfilled', 4, '{}', '[]', 100, 'EUR', '{}',"
        " '2026-11-23 12:00:00+00:00', '2026-11-23 12:00:00+00:00', 't', '[]'",
        "movements": "'mov_1', 'stk_1', 'sell', 1, '2026-11-23 12:00:00+00:00', 't'",
    }

    def before(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, columns in rows.items():
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values[table]})"))

    found: list[tuple[object, ...]] = []

    def after(connection: Connection) -> None:
        found.append(tuple(connection.execute(text("SELECT id, refunds, disputes FROM orders")).one()))
        found.append(tuple(connection.execute(text("SELECT id, kind, quantity FROM movements")).one()))

    with_connection(empty_database_url, before)
    upgrade(empty_database_url)
    with_connection(empty_database_url, after)
    assert found[0][0] == "ord_1"
    assert [str(one) for one in found[0][1:]] == ["[]", "[]"]
    assert found[1] == ("mov_1", "sell", 1)


def test_tokens_of_before_are_named_in_what_is_owned(empty_database_url: str) -> None:
    """TOK-008: of a token that was delivered already, and of nothing else."""
    owned = "id, delivery_id, order_id, account_id, channel_id, status, revision, period, product,"
    owned += " transferable, acquired_at, created_at, salt"
    when = "'2026-11-23 12:00:00+00:00'"
    salt = "x'00'" if empty_database_url.startswith("sqlite") else "'\\x00'"

    def before(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
        for name in ("1", "2"):
            values = f"'ent_{name}', 'dlv_{name}', 'ord_1', 'buy_1', 'chn_1', 'active', 1, 1, '{{}}',"
            values += f" 'never', {when}, {when}, {salt}"
            connection.execute(text(f"INSERT INTO entitlements ({owned}) VALUES ({values})"))
        connection.execute(text("INSERT INTO tokens VALUES ('eip155:1/erc721:0xfB/7', 'dlv_2', false)"))

    found: list[tuple[object, ...]] = []

    def after(connection: Connection) -> None:
        rows = connection.execute(text("SELECT id, asset FROM entitlements ORDER BY id"))
        found.extend(tuple(row) for row in rows)

    with_connection(empty_database_url, before)
    upgrade(empty_database_url)
    with_connection(empty_database_url, after)
    assert found == [("ent_1", None), ("ent_2", "eip155:1/erc721:0xfB/7")]

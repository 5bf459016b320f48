"""For every operation the standard says what a caller does that does not know whether it worked."""

import spec
from spec.orphans import AGAIN

ROLES = ("gateway", "channel")


def test_the_table_is_complete() -> None:
    """Each operation of each document has one row, and each row an operation."""
    wanted = [(role, operation.id) for role in ROLES for operation in spec.operations(role)]
    assert sorted((row.role, row.operation) for row in spec.orphan_rules()) == sorted(wanted)


def test_each_row_fits_its_operation() -> None:
    """Operations with a key are sent again with it, and reads as they are."""
    for row in spec.orphan_rules():
        operation = spec.operation(row.role, row.operation)
        assert row.again in AGAIN
        assert (row.again == "same_key") == operation.idempotent, row
        if operation.method == "GET":
            assert (row.again, row.find) == ("as_is", None), row
        assert row.then.endswith("."), row


def test_what_became_of_it_can_be_read() -> None:
    """Every push has a pull: a GET of the same document to find out by, and each keyed POST names one."""
    for row in spec.orphan_rules():
        if row.find is not None:
            assert spec.operation(row.role, row.find).method == "GET", row
        assert row.find is not None or row.again != "same_key", row

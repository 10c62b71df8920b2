"""What several tables need of SQL, the same on both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from server.database.models import Base
from waterquality.intervals import IntervalSet


def insert_into(connection: Connection, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of the connection's own dialect, which can say what to do on a conflict."""
    core = table.metadata.tables[table.__tablename__]  # the mapped class would take a slower way, for nothing
    return sqlite.insert(core) if connection.dialect.name == "sqlite" else postgresql.insert(core)


def upsert(
    connection: Connection, table: type[Base], key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Insert a row, or update the one that has this key."""
    upsert_all(connection, table, tuple(key), [{**key, **values}])


def upsert_all(
    connection: Connection, table: type[Base], key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, or update those that have their keys, in one statement for all of them.

    Args:
        connection: in a writing transaction.
        table: where to.
        key: the columns that tell a row from another.
        rows: each with the same columns, the key among them.
    """
    if not rows:
        return
    statement = insert_into(connection, table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=new), rows)


def letters(text: str) -> str:
    """The text with a sign for all that is no letter, which no database keeps: half a surrogate pair, NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def spans_of(value: Sequence[Sequence[int]]) -> IntervalSet:
    """An interval set from its JSON form."""
    return IntervalSet(tuple((int(first), int(last)) for first, last in value))


def json_of(numbers: IntervalSet) -> list[list[int]]:
    """The JSON form of an interval set."""
    return [list(span) for span in numbers.spans]

"""What texts have cost, in the database, so that every notifier and every restart knows of it."""

from datetime import date

from sqlalchemy import Connection, func, select

from server.database.engine import Database
from server.database.spending_models import SpendingRow
from server.database.statements import insert_into


class DatabasePurse:
    """Implements `alerts.transports.spending.Purse`.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def spent_tetri(self, day: date) -> int:
        """What texts have cost on a day.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        with self._database.reading() as connection:
            return _spent_tetri(connection, day)

    def spend(self, day: date, gateway: str, *, segments: int, tetri: int) -> int:
        """Add a text, and return what the day has cost with it.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        new = {"day": day.isoformat(), "gateway": gateway, "texts": 1, "segments": segments, "tetri": tetri}
        row = SpendingRow
        with self._database.writing() as connection:
            statement = insert_into(connection, SpendingRow).values(**new)
            added = statement.on_conflict_do_update(
                index_elements=("day", "gateway"),
                set_={
                    "texts": row.texts + 1,
                    "segments": row.segments + segments,
                    "tetri": row.tetri + tetri,
                },
            )
            connection.execute(added)
            return _spent_tetri(connection, day)


def _spent_tetri(connection: Connection, day: date) -> int:
    query = select(func.sum(SpendingRow.tetri)).where(SpendingRow.day == day.isoformat())
    return int(connection.scalar(query) or 0)

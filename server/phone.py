"""The inbox of the on-screen phone, in the database, so that any process can show it."""

from collections.abc import Callable
from datetime import datetime

from server.database.engine import Database
from server.database.models import PhoneMessage
from server.database.statements import insert_into
from waterquality.readings import to_ms


class DatabaseInbox:
    """Implements the inbox that `alerts.transports.phone` delivers to.

    Args:
        database: where messages are kept.
        now: the server's clock.
        arrived: called with address and body when a message is new.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        arrived: Callable[[str, str], None] = lambda _, __: None,
    ) -> None:
        self._database, self._now, self._arrived = database, now, arrived

    def put(self, reference: str, address: str, body: str) -> None:
        """Keep a message; the same reference again changes nothing.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        values = {"reference": reference, "address": address, "body": body, "at_ms": to_ms(self._now())}
        with self._database.writing() as connection:
            statement = insert_into(connection, PhoneMessage).values(**values).on_conflict_do_nothing()
            is_new = connection.execute(statement).rowcount > 0
        if is_new:
            self._arrived(address, body)

"""What answering needs of the world: who somebody is, what they were told, and a place to record what they said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts.answers.deciding import Response, Told
from alerts.recipient import Recipient
from alerts.transports.inbox import IncomingText
from waterquality.languages import Language


class Conversations(Protocol):
    """Who has texted, and what was said."""

    def people(self, address: str) -> Sequence[Recipient]:
        """The people of a telephone number who may be sent texts; nobody for a stranger's.

        Args:
            address: as the network gives it.
        """
        ...

    def told(self, person: str, since: datetime) -> Sequence[Told]:
        """The open alerts about now of which a person was told, in texts handed over since an instant."""
        ...

    def name_of(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts; its id where nobody gave it one."""
        ...

    def commit(
        self, text: IncomingText, person: Recipient, response: Response, reply: str, now: datetime
    ) -> bool:
        """Record as a whole what somebody said, what it does, and the reply that is owed.

        A text that was recorded before changes nothing. So many replies a day are owed to a person and no more:
        what answers by itself must not talk with us for ever.

        Returns:
            Whether it is news.

        Raises:
            LinkError: the database cannot be reached; nothing was recorded; mended by time.
        """
        ...

"""Our own SIM, in both directions, through gammu-smsd and its folders (backend `files`).

**Invariants**
* A text lies in one folder at a time under our reference, so a text sent again is found and not sent twice, also
  after a crash.
* ACCEPTED is smsd's: the text waits for the modem, or the network has taken it. DELIVERED is the handset's alone.
* What the modem could not send is given back (QUEUED): it never left, so it may go another way.
* Only a report of the modem's number *and* the telephone number of the text counts for it.

Two texts to one number with one modem's number within the log (256 texts apart): the newer one counts.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar

from alerts.ports import Fate
from alerts.transports.gammu_spool import Spool, name_of
from alerts.transports.inbox import IncomingText
from alerts.transports.port import Handover, RecipientRejected, Text

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_KEPT_FOR = timedelta(days=7)
_TIDIED_EVERY = timedelta(hours=1)
_AT_MOST = 200
_SAYS = {"Delivered": Fate.DELIVERED, "Failed": Fate.FAILED}


class GammuSmsd:
    """Carries texts through a SIM of our own. Making one touches nothing.

    Args:
        spool: smsd's folders.
        now: the time.
    """

    name: ClassVar[str] = "gammu"
    knows_references: ClassVar[bool] = True

    def __init__(self, spool: Spool, now: Callable[[], datetime]) -> None:
        self._spool, self._now = spool, now
        self._tidied_at: datetime | None = None

    def send(self, text: Text) -> Handover:
        """Lay a text into the outbox, unless smsd has it already.

        Raises:
            SpoolUnavailable: the folders cannot be used; mended by time.
            RecipientRejected: this is no telephone number; mended by nobody.
        """
        if not _NUMBER.fullmatch(text.address):  # smsd reads the number from the file's name
            raise RecipientRejected("this is no telephone number")
        if not text.body:
            raise RecipientRejected("smsd would send an empty text")
        now = self._now()
        self._tidy(now)
        found = self._spool.find(text.reference)
        if found is not None and found.parent.name == "error":
            self._spool.remove("error", found.name)
            found = None
        if found is None:
            self._spool.place(
                name_of(text.address, text.reference, at=now, is_urgent=text.is_urgent), text.body
            )
        return Handover(Fate.ACCEPTED, text.reference, "handed to gammu-smsd")

    def fate_of(self, message_id: str) -> Handover:
        """What became of a text: waiting, taken by the network, delivered, or given back by the modem.

        Raises:
            SpoolUnavailable: the folders cannot be read; mended by time.
        """
        found = self._spool.find(message_id)
        if found is None:
            return Handover(Fate.UNKNOWN, message_id, "gammu-smsd knows of no such text")
        if found.parent.name == "error":
            return Handover(Fate.QUEUED, message_id, "the modem could not send it")
        if found.parent.name == "outbox":
            return Handover(Fate.ACCEPTED, message_id, "waits for the modem")
        return self._reported(message_id)

    def _reported(self, message_id: str) -> Handover:
        """The newest text of a pair of numbers is the one that a report is about."""
        newest = {(number, tpmr): reference for reference, number, tpmr in self._spool.logged()}
        mine = {pair for pair, reference in newest.items() if reference == message_id}
        fate, said = Fate.ACCEPTED, "taken by the network"
        for arrival in self._spool.arrivals() if mine else ():
            if arrival.is_report and (arrival.number, arrival.reference) in mine:
                fate, said = _SAYS.get(arrival.body, fate), f"report: {arrival.body}"
        return Handover(fate, message_id, said)

    def _tidy(self, now: datetime) -> None:
        if self._tidied_at is None or now - self._tidied_at >= _TIDIED_EVERY:
            self._spool.tidy(now - _KEPT_FOR)
            self._tidied_at = now


class GammuInbox:
    """Texts to our SIM.

    Args:
        spool: smsd's folders.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def incoming(self) -> Sequence[IncomingText]:
        """Texts that are not done yet, oldest first; delivery reports are none.

        Raises:
            SpoolUnavailable: the folder cannot be read; mended by time.
        """
        texts = (arrival for arrival in self._spool.arrivals() if not arrival.is_report)
        return [IncomingText(each.name, each.number, each.body, each.at) for each in islice(texts, _AT_MOST)]

    def done(self, text_id: str) -> None:
        """Forget a text.

        Raises:
            SpoolUnavailable: it cannot be removed; mended by time.
        """
        self._spool.remove("inbox", text_id)

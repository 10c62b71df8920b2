"""The on-screen phone of the demonstration: every text arrives at once, where anybody can read it."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from alerts.ports import Fate
from alerts.transports.port import Handover, Text


class PhoneInbox(Protocol):
    """Where the on-screen phone keeps its texts."""

    def put(self, reference: str, address: str, body: str) -> None:
        """Keep a text; one whose reference is there already changes nothing.

        Raises:
            LinkError: it cannot be kept now; mended by time.
        """
        ...


@dataclass(frozen=True, slots=True)
class PhoneText:
    """A text on the phone.

    Attributes:
        reference: the sender's id of it.
        address: E.164 telephone number.
        body: the text.
    """

    reference: str
    address: str
    body: str


class MemoryInbox:
    """An inbox that lasts as long as the process."""

    def __init__(self) -> None:
        self._texts: dict[str, PhoneText] = {}

    @property
    def texts(self) -> list[PhoneText]:
        """All texts, oldest first."""
        return list(self._texts.values())

    def put(self, reference: str, address: str, body: str) -> None:
        """Keep a text; one whose reference is there already changes nothing."""
        self._texts.setdefault(reference, PhoneText(reference, address, body))


class OnScreenPhone:
    """Carries texts to an inbox that is shown on a screen.

    Args:
        inbox: where they are kept.
    """

    name: ClassVar[str] = "phone"
    knows_references: ClassVar[bool] = True

    def __init__(self, inbox: PhoneInbox) -> None:
        self._inbox = inbox

    def send(self, text: Text) -> Handover:
        """Hand a text over; it is delivered at once.

        Raises:
            LinkError: the inbox cannot keep it now; mended by time.
        """
        self._inbox.put(text.reference, text.address, text.body)
        return Handover(Fate.DELIVERED, message_id=text.reference)

    def fate_of(self, message_id: str) -> Handover:
        """Unknown: what this phone took was delivered at once, and there is nothing to ask."""
        return Handover(Fate.UNKNOWN, message_id, "the on-screen phone keeps no record of its own")

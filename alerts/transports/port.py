"""How a notification travels: the port of a transport, and its two errors.

A transport never decides whether to try again; it says what happened and the notifier decides.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from alerts.ports import Fate
from waterquality.errors import LinkError, RejectedError


class GatewayBusy(LinkError):
    """The gateway cannot take it now; try again later; mended by time.

    Attributes:
        retry_after_s: seconds the gateway asks us to wait; None when it does not say.
    """

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class RecipientRejected(RejectedError):
    """The gateway will never deliver this text to this address; mended by nobody."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text on its way.

    Attributes:
        address: E.164 telephone number.
        body: the text.
        reference: our own id of it, the same at every try, so that a gateway may drop a double.
        is_urgent: whether somebody must act at once: it goes before others, and no ceiling of cost holds it up.
    """

    address: str
    body: str
    reference: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """What a transport said when it took a text.

    Attributes:
        fate: ACCEPTED, or DELIVERED where the transport knows at once. QUEUED, to a question only: what it had
            accepted has never left, and is to be sent again.
        message_id: the transport's own id, "" when it gives none.
        detail: its words, for the record.
    """

    fate: Fate
    message_id: str = ""
    detail: str = ""


class Transport(Protocol):
    """Carries texts."""

    name: ClassVar[str]

    def send(self, text: Text) -> Handover:
        """Hand a text over.

        Raises:
            GatewayBusy: not now; mended by time.
            RecipientRejected: never; mended by nobody.
        """
        ...

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        ...

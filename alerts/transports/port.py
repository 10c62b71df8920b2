"""How a notification travels: the port of a transport, and its two errors.

A transport never decides whether to try again; it says what happened and the notifier decides.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from alerts.ports import Fate
from waterquality.errors import LinkError, RejectedError


class Trouble(StrEnum):
    """Why a gateway did not take a text; it decides what happens next."""

    BUSY = "busy"
    """It says: not now."""
    UNPAID = "unpaid"
    """The balance is spent; somebody must pay."""
    REFUSED = "refused"
    """It refuses *us*: a wrong key, sender or address; somebody must put the settings right."""
    DOWN = "down"
    """It does not answer, or fails, and has not taken the text."""
    LOST = "lost"
    """Its answer was lost: it may have taken the text."""
    HELD = "held"
    """We hold it back ourselves: a limit of ours."""


class GatewayBusy(LinkError):
    """The gateway cannot take it now; try again later; mended by time.

    Attributes:
        retry_after_s: seconds the gateway asks us to wait; None when it does not say.
        trouble: why.
    """

    def __init__(
        self, detail: str, retry_after_s: float | None = None, trouble: Trouble = Trouble.BUSY
    ) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.trouble = trouble


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


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left with a gateway.

    Attributes:
        amount: how much.
        unit: of what, in the gateway's words: `SMS`, `GEL`; "" where it does not say.
    """

    amount: float
    unit: str = ""


class Transport(Protocol):
    """Carries texts.

    Attributes:
        name: what it is.
        knows_references: whether a text sent again under its reference arrives once, also after a crash of ours.
    """

    name: ClassVar[str]
    knows_references: ClassVar[bool]

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


@runtime_checkable
class Prepaid(Protocol):
    """A transport that can tell its balance."""

    def balance(self) -> Balance:
        """What is left.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        ...

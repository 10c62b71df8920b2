"""Texts that people send to us: the port of an inbox, and one that lasts as long as the process.

**Invariants**
* A text stays in the inbox until it was `done`: whoever answers it says so after the answer is recorded, so a
  crash may show a text again and never loses one.
* Its id is the same at every look, so that the reader can tell a text it has answered already.
* What a text says is a stranger's word: nothing here reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A text from somebody.

    Attributes:
        id: the inbox's own id of it, the same at every look.
        sender: who sent it, as the network says: a number in E.164 form, or a name or short code.
        body: what it says, whole.
        at: when our end received it, aware UTC.
    """

    id: str
    sender: str
    body: str
    at: datetime


class Inbox(Protocol):
    """Where texts to us arrive."""

    def incoming(self) -> Sequence[IncomingText]:
        """Texts that are not done yet, oldest first; a few hundred at most, the rest comes after them.

        Raises:
            LinkError: the inbox cannot be read now; mended by time.
        """
        ...

    def done(self, text_id: str) -> None:
        """Forget a text; one that is forgotten already, or was never there, changes nothing.

        Raises:
            LinkError: it cannot be forgotten now; mended by time.
        """
        ...


class InboxInMemory:
    """An inbox that lasts as long as the process: for tests, and for the demonstration."""

    def __init__(self) -> None:
        self._texts: dict[str, IncomingText] = {}
        self._arrived = 0

    def receive(self, sender: str, body: str, at: datetime) -> None:
        """A text arrives."""
        self._arrived += 1
        text = IncomingText(f"m-{self._arrived}", sender, body, at)
        self._texts[text.id] = text

    def incoming(self) -> Sequence[IncomingText]:
        """Texts that are not done yet, oldest first."""
        return sorted(self._texts.values(), key=lambda text: text.at)

    def done(self, text_id: str) -> None:
        """Forget a text."""
        self._texts.pop(text_id, None)

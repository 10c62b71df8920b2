"""A transport that says what it is told to."""

from dataclasses import dataclass, field
from typing import ClassVar

from alerts.ports import Fate
from alerts.transports.port import Handover, Text

ACCEPTED = Handover(Fate.ACCEPTED, "m-1")


@dataclass
class ScriptedTransport:
    """Answers by the words of a text or the id of a message.

    Attributes:
        answers: what to return, or to raise, by those words.
        otherwise: what to answer to all others.
        sent: every text handed over, oldest first.
        asked: every id asked for, oldest first.
    """

    answers: dict[str, Handover | Exception] = field(default_factory=dict)
    otherwise: Handover | Exception = ACCEPTED
    sent: list[Text] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    name: ClassVar[str] = "gateway"

    def send(self, text: Text) -> Handover:
        self.sent.append(text)
        return self._say(text.body)

    def fate_of(self, message_id: str) -> Handover:
        self.asked.append(message_id)
        return self._say(message_id)

    def _say(self, what: str) -> Handover:
        answer = self.answers.get(what, self.otherwise)
        if isinstance(answer, Exception):
            raise answer
        return answer

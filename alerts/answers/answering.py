"""Answering: inbox → understood → recorded with its reply → forgotten by the inbox.

**Invariants**
* What was said is recorded before the inbox forgets it: a crash may read a text twice and loses none; what is read
  twice changes nothing.
* A stranger gets no reply, and nothing of what they wrote is kept or logged.

It reads no clock and never sleeps: the loop that calls `run_once` does.
"""

from collections import Counter
from datetime import datetime

import structlog

from alerts.answers.deciding import REMEMBERED, Response, respond
from alerts.answers.port import Conversations
from alerts.answers.replying import reply
from alerts.recipient import Recipient
from alerts.transports.inbox import Inbox, IncomingText

_log = structlog.get_logger(__name__)
STRANGER = "stranger"


class Answering:
    """Reads what people text back.

    Args:
        inbox: where their texts arrive.
        conversations: who they are, and where it is recorded.

    Attributes:
        answers: how many were answered, by what they ask for; those of strangers under `stranger`.
    """

    def __init__(self, inbox: Inbox, conversations: Conversations) -> None:
        self._inbox, self._conversations = inbox, conversations
        self.answers: Counter[str] = Counter()

    def run_once(self, now: datetime) -> int:
        """Answer what has come in.

        Returns:
            How many texts there were.

        Raises:
            LinkError: the inbox or the database cannot be reached; what is not recorded stays; mended by time.
        """
        texts = self._inbox.incoming()
        for text in texts:
            self._answer(text, now)
            self._inbox.done(text.id)
        return len(texts)

    def _answer(self, text: IncomingText, now: datetime) -> None:
        people = self._conversations.people(text.sender)
        if not people:
            self.answers[STRANGER] += 1
        for at, person in enumerate(people):
            told = self._conversations.told(person.person, now - REMEMBERED)
            response = respond(text.body, text.at, told)
            # One telephone may be several people's (an office): all are spoken for, and one reply is enough.
            said = self._said(response, person) if at == 0 else ""
            if self._conversations.commit(text, person, response, said, now):
                self.answers[response.answer] += 1
                _log.info("answered", person=person.person, answer=str(response.answer), why=response.reason)

    def _said(self, response: Response, person: Recipient) -> str:
        sites = [self._conversations.name_of(point, person.language) for point in response.about]
        return reply(response.said, person.language, sites=sites, is_latin=person.is_latin)

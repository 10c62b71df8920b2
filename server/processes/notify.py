"""`tskaro notify`: texts out, and answers in."""

from contextlib import suppress

from alerts.answers.answering import Answering
from alerts.notifier import Notifier, RetryPolicy
from alerts.transports.failover import Failover
from alerts.transports.inbox import Inbox
from alerts.transports.port import Transport
from server.answering import AnswerWorker
from server.bus.live import Voice
from server.bus.mqtt import Bus
from server.conversations import SqlConversations
from server.ledger import SqlLedger
from server.notify import BalanceWatch, NotifyWorker
from server.processes.surroundings import Running, Surroundings, client_id
from server.sole import Sole
from waterquality.errors import LinkError
from waterquality.readings import to_ms


class Notify:
    """The notifier with its transport, and whoever reads what people text back."""

    def __init__(
        self,
        around: Surroundings,
        transport: Transport,
        policy: RetryPolicy | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self.transport = transport
        self.ledger = SqlLedger(around.database)
        self._sole = Sole(around.database, "notify")
        notifier = Notifier(
            self.ledger, transport, policy=policy or RetryPolicy(), is_ours=self._sole.is_ours
        )
        self._clock = around.clock
        self.bus = Bus(around.broker, client_id=client_id("notify"), subscriptions={})
        self._voice = Voice(self.bus.publish)
        self.worker = NotifyWorker(notifier, around.clock, every_s=around.look_every_s, tried=self._tell)
        self.answers = None if inbox is None else self._answers(inbox, around)
        self._running = Running()

    def nudge(self) -> None:
        """Something is owed."""
        self.worker.nudge()

    def start(self) -> None:
        """Start; texts do not wait for the broker."""
        self.bus.start()
        self._running.start("notify", self.worker.run, self.worker.nudge)
        if isinstance(self.transport, Failover):
            self._running.start("balances", BalanceWatch(self.transport).run)
        if self.answers is not None:
            self._running.start("answers", self.answers.run)

    def stop(self) -> None:
        """Stop after the text under way."""
        self._running.stop()
        with suppress(LinkError):
            self._sole.release()
        self.bus.stop()

    def _answers(self, inbox: Inbox, around: Surroundings) -> AnswerWorker:
        def answered() -> None:
            self.worker.nudge()
            self._tell()

        answering = Answering(inbox, SqlConversations(around.database))
        return AnswerWorker(answering, around.clock, every_s=around.look_every_s, answered=answered)

    def _tell(self) -> None:
        self._voice.tell("alert", "", to_ms(self._clock.now()))

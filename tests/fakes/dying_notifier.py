"""A notifier that is killed at the n-th step of its pass: `python -m tests.fakes.dying_notifier URL SENT STEP`.

A step is a statement of SQL, a commit, and either side of a text's hand-over. What the transport took is a line in
SENT. The exit code is 0 where the pass ended before the step came.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import event

from alerts.notifier import Notifier, RetryPolicy
from alerts.ports import Fate
from alerts.transports.port import Handover, Text
from server.database.engine import Database
from server.ledger import SqlLedger
from server.sole import Sole


class Steps:
    """Counts steps, and ends this process at one of them."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class WritesDown:
    """A transport that writes down what it takes."""

    name: ClassVar[str] = "file"

    def __init__(self, sent: Path, steps: Steps) -> None:
        self._sent, self._steps = sent, steps

    def send(self, text: Text) -> Handover:
        self._steps.step()
        with self._sent.open("a") as file:
            file.write(f"{text.address} {text.reference}\n")
            file.flush()
            os.fsync(file.fileno())
        self._steps.step()
        return Handover(Fate.DELIVERED)

    def fate_of(self, _message_id: str) -> Handover:
        return Handover(Fate.DELIVERED)


def main() -> None:
    """One pass."""
    url, sent, last = sys.argv[1:]
    database, steps = Database(url), Steps(int(last))
    engine = database.engine
    event.listen(engine, "before_cursor_execute", steps.step)
    event.listen(engine, "commit", steps.step)
    sole = Sole(database, "notify")
    transport = WritesDown(Path(sent), steps)
    notifier = Notifier(SqlLedger(database), transport, policy=RetryPolicy(), is_ours=sole.is_ours)
    notifier.run_once(datetime.now(UTC))


if __name__ == "__main__":
    main()

"""Proof that the whole way works: the server holds an observation that this agent took.

Nothing less counts: a connection may lead to the wrong broker, and an acknowledgement to nobody.
"""

from collections.abc import Callable

from edge.outbox import Outbox


class Proof:
    """Whether an observation of this agent has been receipted.

    Args:
        outbox: where observations wait for their receipts.
        has_observed: whether this agent has taken an observation yet.
    """

    def __init__(self, outbox: Outbox, has_observed: Callable[[], bool]) -> None:
        self._outbox, self._has_observed = outbox, has_observed
        self._awaited: tuple[str, int] | None = None

    def is_given(self) -> bool:
        """Ask now and then: the first observation that is seen must have left the outbox."""
        epoch = self._outbox.epoch
        if self._awaited is None or self._awaited[0] != epoch:
            self._awaited = (epoch, self._outbox.head) if self._has_observed() else None
            return False
        return self._outbox.depth().held > self._awaited[1]

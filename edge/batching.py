"""When what is new may go, and how small: each observation at once, or together every so often. Pure.

Only new observations wait. The backlog and what is repeated do not: they are as late as they can be. An exceedance
or a flag that got worse breaks the batch, and so does a new connection.
"""

import threading
from collections.abc import Callable

from edge.budget import Thrift
from edge.settings import Deflate

_TIGHT_EVERY_S = 900.0
_TIGHT_HEALTH_EVERY_S = 3600.0
# A batch goes late by what the sampler's tick and the network take; the sign of life must not come just before it.
_KEEPALIVE_MARGIN_S = 60


class Batching:
    """The batch that is being gathered.

    Args:
        every_s: seconds from one batch to the next; 0 sends each observation at once.
        deflate: which messages are compressed.
        thrift: how the budget stands; a tight one batches and compresses whatever the two above say.
    """

    def __init__(
        self,
        every_s: float = 0.0,
        deflate: Deflate = Deflate.NEVER,
        *,
        thrift: Callable[[], Thrift] = lambda: Thrift.EASE,
    ) -> None:
        self._every_s, self._deflate, self._thrift = every_s, deflate, thrift
        self._urgent = threading.Event()
        self._sent_s = float("-inf")

    @property
    def every_s(self) -> float:
        """Seconds from one batch to the next, now."""
        return self._every_s if self._thrift() is Thrift.EASE else max(self._every_s, _TIGHT_EVERY_S)

    def urge(self) -> None:
        """What is new is an event: the batch goes now."""
        self._urgent.set()

    def is_open(self, now_s: float) -> bool:
        """Whether what is new may go.

        Args:
            now_s: monotonic seconds.
        """
        return self._urgent.is_set() or now_s >= self.opens_at()

    def opens_at(self) -> float:
        """When what is new may go at the latest, in monotonic seconds."""
        return self._sent_s + self.every_s

    def begin(self, now_s: float) -> None:
        """A batch is about to be gathered from what there is; the next one waits its time."""
        self._urgent.clear()
        self._sent_s = now_s

    def reconnect(self) -> None:
        """A new connection: what has waited goes at once."""
        self._sent_s = float("-inf")

    def deflates(self, records: int) -> bool:
        """Whether a message of so many records is compressed."""
        if self._thrift() is not Thrift.EASE:
            return True
        return self._deflate is Deflate.ALWAYS or (self._deflate is Deflate.BATCHES and records > 1)

    def deflates_health(self) -> bool:
        """Whether a health message is compressed."""
        return self._deflate is Deflate.ALWAYS or self._thrift() is not Thrift.EASE

    def health_every_s(self, every_s: float) -> float:
        """Seconds from one health message to the next, of what the settings say."""
        return every_s if self._thrift() is Thrift.EASE else max(every_s, _TIGHT_HEALTH_EVERY_S)

    def keepalive_s(self, at_least_s: int) -> int:
        """The longest silence on the line, so that a batch is its own sign of life."""
        return max(at_least_s, int(self.every_s) + _KEEPALIVE_MARGIN_S) if self.every_s else at_least_s

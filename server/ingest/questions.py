"""How long a round of intake may ask the store.

Long enough that a thousand devices are asked for, and so short that a store that is slow to answer keeps no alert
waiting, and no lease from being renewed.
"""

import time
from collections.abc import Callable


class Questions:
    """The time for questions in a round.

    Args:
        at_most_s: seconds from the beginning of a round after which no more is asked. What is being asked is waited
            for as long as the store is; so every round asks something, and all is asked for in the end.
        clock: seconds that only go forward.
    """

    def __init__(self, at_most_s: float = 1.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most_s, self._clock = at_most_s, clock
        self._end_s = float("inf")

    def begin(self) -> None:
        """A round begins."""
        self._end_s = self._clock() + self._at_most_s

    @property
    def may_go_on(self) -> bool:
        """Whether there is time for another question."""
        return self._clock() < self._end_s

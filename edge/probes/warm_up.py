"""How long a probe has been live: after power comes on, or the plug goes in, it warms up and settles anew."""

from datetime import datetime
from math import inf

from edge.probes.phases import Phase, Timing


class WarmUp:
    """The warming up of one probe that always has power.

    Args:
        timing: how long it needs.
        longest_gap_s: seconds between two questions; more, while it warms up, is a clock that was set and no time.
    """

    def __init__(self, timing: Timing, *, longest_gap_s: float = inf) -> None:
        self._timing, self._longest_gap_s = timing, longest_gap_s
        self._live_since: datetime | None = None
        self._cold_at: datetime | None = None

    def lost(self) -> None:
        """The probe is not there; it begins again when it comes back."""
        self._live_since = None

    def is_over(self, now: datetime) -> bool:
        """Whether a live probe has been live for long enough; a clock that is set meanwhile begins again."""
        if self._live_since is None or now < self._live_since or self._was_set(now):
            self._live_since = now
        is_over = self._timing.phase_after((now - self._live_since).total_seconds()) is Phase.MEASURE
        self._cold_at = None if is_over else now
        return is_over

    def _was_set(self, now: datetime) -> bool:
        return self._cold_at is not None and (now - self._cold_at).total_seconds() > self._longest_gap_s

"""How long a probe has been live: after power comes on, or the plug goes in, it warms up and settles anew."""

from datetime import datetime

from edge.probes.phases import Phase, Timing


class WarmUp:
    """The warming up of one probe that always has power.

    Args:
        timing: how long it needs.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._live_since: datetime | None = None

    def lost(self) -> None:
        """The probe is not there; it begins again when it comes back."""
        self._live_since = None

    def is_over(self, now: datetime) -> bool:
        """Whether a live probe has been live for long enough; a clock that is set back begins again."""
        if self._live_since is None or now < self._live_since:
            self._live_since = now
        return self._timing.phase_after((now - self._live_since).total_seconds()) is Phase.MEASURE

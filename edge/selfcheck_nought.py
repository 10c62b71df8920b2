"""Whether a turbidity has shown nothing but nought for so long that nobody knows whether it still sees.

Clear water is nought, so an hour of it proves nothing, nor does a week. But a probe that shows nought to its last
digit through a month of running water, every flush included, may as well be blind, and nobody would know: it is
suspect until it shows anything else. A technician need only dip it into something cloudy, in service mode.

Only time counts in which water may have run past a probe that was looked at. A month has restarts in it, so what
was counted is kept over them: to the hour, which is as fine as it need be.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edge.selfcheck_probe import SOUND, is_at_nought
from firmware_config.whole_file import replace_file
from waterquality.flags import Flag, Screened, Why
from waterquality.limits import Capability
from waterquality.readings import Reading

_BLIND = Screened(Flag.SUSPECT, Why.PROBE_STUCK)
_KEEP_EVERY_S = 3600.0


class Nought:
    """Counts the time at nought of one probe.

    Args:
        capability: of its model.
        after_s: seconds of it after which the probe is suspect.
        longest_gap_s: seconds between two readings beyond which nothing is known of the time between.
        counted_s: what was counted before a restart.
        keep: told once an hour what is counted, and when it begins anew.
    """

    def __init__(
        self,
        capability: Capability,
        *,
        after_s: float,
        longest_gap_s: float,
        counted_s: float = 0.0,
        keep: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._capability = capability
        self._after_s, self._longest_gap_s, self._keep = after_s, longest_gap_s, keep
        self._counted_s = self._kept_s = counted_s
        self._seen_s: float | None = None

    def judge(self, at_s: float, reading: Reading, *, stands: bool) -> Screened:
        """Judge one reading.

        Args:
            at_s: when it was taken, in seconds of a clock that never jumps.
            reading: of one and the same probe.
            stands: whether the water is known to stand still.
        """
        if reading.value is None:
            return SOUND
        if not is_at_nought(reading, self._capability) or reading.spread:
            self._count(0.0)
            self._seen_s = at_s
            return SOUND
        passed_s = at_s - (at_s if self._seen_s is None else self._seen_s)
        if not stands and 0.0 < passed_s <= self._longest_gap_s:
            self._count(self._counted_s + passed_s)
        self._seen_s = at_s
        return _BLIND if self._counted_s > self._after_s else SOUND

    def _count(self, counted_s: float) -> None:
        self._counted_s = counted_s
        if counted_s >= self._kept_s + _KEEP_EVERY_S or counted_s < self._kept_s:
            self._keep(counted_s)
            self._kept_s = counted_s


class NoughtFile:
    """Where the count of a device is kept over restarts.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> float:
        """Seconds that were counted; 0 where nothing sensible is kept."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return max(0.0, float(json.loads(self._path.read_text(encoding="ascii"))["nought_s"]))
        return 0.0

    def keep(self, counted_s: float) -> None:
        """Keep a count, if the disk takes it."""
        with suppress(OSError):
            replace_file(self._path, json.dumps({"nought_s": counted_s}).encode())

"""One series, reading by reading in event time: all tests that look at one parameter.

**Invariants**
* A judgement depends only on readings no older than `Bounds.reach_s`, never on where the following began.
* Only *evidence* is compared: a value that the device does not doubt, that the probe can show, of known time.
  What is doubted already is judged by gross range alone; it neither is a neighbour nor has any.
* Each test decides in a pure function of its own; what stands here is when to ask it. Most readings ask none.

The bounds are copied into slots: a look at an attribute of an attribute costs as much as a comparison.
"""

from math import inf, nextafter
from typing import TypeAlias

from waterquality.flags import Screened, worst
from waterquality.readings import Observation
from waterquality.screening.attenuated_signal import attenuated_signal
from waterquality.screening.climatology import climatology, giving_way, month_of
from waterquality.screening.flat_line import flat_line
from waterquality.screening.gross_range import GOOD, UNUSUAL
from waterquality.screening.multi_variate import STEADY_S
from waterquality.screening.rate_of_change import rate_of_change
from waterquality.screening.settings import Bounds
from waterquality.screening.spike import spike
from waterquality.screening.stillness import Stillness

_MS_PER_S = 1000.0
_STEADY_MS = STEADY_S * _MS_PER_S
NEVER_MS = -(10**15)
Seen: TypeAlias = tuple[Observation, int]


class Series:
    """Follows one parameter of one device at one water point.

    Attributes:
        bounds: how it is screened.
        low: the least that the probe can show, in the parameter's unit.
        high: the most that it can show.
        last_ms: when the last evidence was taken.
        heard_ms: when the last reading was taken that is none.
        verdict: what the last evidence was found to be.
        middle: what the evidence before the newest is now found to be; None where nothing new was found.
        seen: the observation that the last evidence is of, with its tag; set by who follows whole observations.
        is_silent: whether it gives nothing that can be used; None before its first reading.
        well_since_ms: since when it has given something, while it does.
    """

    __slots__ = (
        "_apart_ms",
        "_before",
        "_before_ms",
        "_flat_above",
        "_flat_ms",
        "_has_before",
        "_last",
        "_least",
        "_quiet",
        "_quiet_ms",
        "_stands_out",
        "_still",
        "_usual_high",
        "_usual_low",
        "bounds",
        "heard_ms",
        "high",
        "is_silent",
        "last_ms",
        "low",
        "middle",
        "seen",
        "verdict",
        "well_since_ms",
    )

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.low, self.high = bounds.spans.possible
        self._usual_low, self._usual_high = bounds.spans.usual
        self._apart_ms = bounds.apart_s * _MS_PER_S
        self._stands_out = min(bounds.spike.suspect, bounds.spike.fail) if bounds.spike else inf
        self._least = bounds.rate.least if bounds.rate else inf
        flat, quiet = bounds.flat, bounds.attenuated
        self._flat_ms = min(flat.suspect_after_s, flat.fail_after_s) * _MS_PER_S if flat else inf
        self._flat_above = flat.above if flat else inf
        self._still = Stillness(flat.tolerance if flat else 0.0)
        self._quiet_ms = quiet.period_s * _MS_PER_S if quiet else inf
        self._quiet = Stillness(nextafter(quiet.suspect_below, -inf) if quiet else -1.0)
        self.last_ms = self.heard_ms = self.well_since_ms = NEVER_MS
        self._last = self._before = 0.0
        self._before_ms = NEVER_MS
        self._has_before = False
        self.verdict = GOOD
        self.middle: Screened | None = None
        self.seen: Seen | None = None
        self.is_silent: bool | None = None

    def take(self, at_ms: int, value: float) -> Screened:
        """Judge the next piece of evidence, and the one before it anew.

        Args:
            at_ms: when it was taken; later than all before.
            value: in the parameter's unit, within what the probe can show.
        """
        verdict = GOOD if self._usual_low <= value <= self._usual_high else UNUSUAL
        elapsed_ms = at_ms - self.last_ms
        if elapsed_ms <= self._apart_ms:
            last = self._last
            change = abs(value - last)
            if change > self._least:
                verdict = self._changed(value, elapsed_ms, verdict)
            if self._has_before and abs(last - (self._before + value) / 2) > self._stands_out:
                self._judge_middle(value)
            self._before, self._before_ms, self._has_before = last, self.last_ms, True
            still, quiet = self._still, self._quiet
            if change > still.tolerance or value <= self._flat_above:
                still.begin(at_ms, value if value > self._flat_above else inf)
            else:
                still.follow(at_ms, value)
                if at_ms - still.since_ms >= self._flat_ms:
                    verdict = self._flat(at_ms - still.since_ms, verdict)
            if change > quiet.tolerance:
                quiet.begin(at_ms, value)
            else:
                quiet.follow(at_ms, value)
                if at_ms - quiet.since_ms >= self._quiet_ms:
                    verdict = self._attenuated(at_ms - quiet.since_ms, verdict)
        else:  # the first, or the first after a long time: it has no neighbours
            self._has_before = False
            self._still.begin(at_ms, value if value > self._flat_above else inf)
            self._quiet.begin(at_ms, value)
            self._hear_anew(at_ms)
        if self.bounds.climate:
            verdict = worst(verdict, climatology(value, month_of(at_ms), self.bounds.climate))
        self._last, self.last_ms, self.verdict = value, at_ms, verdict
        return verdict

    def hear(self, at_ms: int) -> None:
        """A reading that is no evidence."""
        self._hear_anew(at_ms)
        self.heard_ms = at_ms

    def _hear_anew(self, at_ms: int) -> None:
        """After a long time without any reading nothing is known of how it did."""
        if at_ms - max(self.last_ms, self.heard_ms) > self._apart_ms:
            self.well_since_ms = at_ms

    def depends_on_ms(self, now_ms: int) -> int:
        """The oldest instant that what comes after `now_ms` is still judged by; `now_ms` where there is none."""
        heard_ms = max(self.last_ms, self.heard_ms)  # from there on it may fall silent
        oldest = heard_ms if now_ms - heard_ms <= self._apart_ms else now_ms
        if now_ms - self.well_since_ms <= _STEADY_MS + self._apart_ms:  # whether it is steady
            oldest = min(oldest, self.well_since_ms - int(self._apart_ms))
        if now_ms - self.last_ms > self._apart_ms:
            return oldest
        oldest = min(oldest, self._before_ms if self._has_before else self.last_ms)
        if self.bounds.flat is not None:
            oldest = min(oldest, self._still.since_ms)
        if self.bounds.attenuated is not None:
            oldest = min(oldest, self._quiet.since_ms)
        return oldest

    def _changed(self, value: float, elapsed_ms: int, verdict: Screened) -> Screened:
        assert self.bounds.rate is not None
        return worst(verdict, rate_of_change(self._last, value, elapsed_ms / _MS_PER_S, self.bounds.rate))

    def _judge_middle(self, value: float) -> None:
        assert self.bounds.spike is not None
        found = giving_way(self.verdict, spike(self._before, self._last, value, self.bounds.spike))
        self.middle = None if found == self.verdict else found

    def _flat(self, still_ms: int, verdict: Screened) -> Screened:
        assert self.bounds.flat is not None
        return worst(verdict, flat_line(still_ms / _MS_PER_S, self.bounds.flat))

    def _attenuated(self, quiet_ms: int, verdict: Screened) -> Screened:
        assert self.bounds.attenuated is not None
        return worst(verdict, attenuated_signal(quiet_ms / _MS_PER_S, self.bounds.attenuated))

"""QARTOD flags: how far a reading can be trusted, and the closed list of reasons why not.

Codes: IOOS QARTOD data flags (GOOD 1, UNKNOWN 2, SUSPECT 3, FAIL 4, MISSING 9). The order of badness is
ours where QARTOD is silent: UNKNOWN is worse than GOOD, because unknown is never safe.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Flag(IntEnum):
    """A QARTOD flag; the value is what is stored and sent."""

    GOOD = 1
    UNKNOWN = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9

    __hash__ = int.__hash__  # Enum's own is Python; a flag is hashed with every reading

    @property
    def is_usable(self) -> bool:
        """Whether a limit may be judged on a reading with this flag (GOOD or SUSPECT)."""
        return self is Flag.GOOD or self is Flag.SUSPECT


class Why(StrEnum):
    """Why a flag is not GOOD. A closed list: it travels on the wire and is translated on the screens."""

    NONE = ""
    PROBE_DISCONNECTED = "probe_disconnected"
    PROBE_SATURATED = "probe_saturated"
    PROBE_STUCK = "probe_stuck"
    PROBE_NOISY = "probe_noisy"
    PROBE_NOT_SETTLED = "probe_not_settled"
    PROBE_FAULT = "probe_fault"
    PROBE_SERVICED = "probe_serviced"
    PROBE_UNCALIBRATED = "probe_uncalibrated"
    OUT_OF_RANGE = "out_of_range"
    OUT_OF_CURVE = "out_of_curve"
    UNUSUAL_VALUE = "unusual_value"
    STAGNANT_SAMPLE = "stagnant_sample"
    FIRST_FLUSH = "first_flush"
    TEMPERATURE_UNKNOWN = "temperature_unknown"
    TEMPERATURE_OUT_OF_RANGE = "temperature_out_of_range"
    NOT_RECORDED = "not_recorded"
    CLOCK_UNCERTAIN = "clock_uncertain"
    SPIKE = "spike"
    CHANGED_TOO_FAST = "changed_too_fast"
    FLAT_LINE = "flat_line"
    ATTENUATED_SIGNAL = "attenuated_signal"
    AFTER_GAP = "after_gap"
    UNUSUAL_FOR_THE_MONTH = "unusual_for_the_month"
    PROBES_DISTURBED = "probes_disturbed"

    __hash__ = str.__hash__  # as for a flag


@dataclass(frozen=True, slots=True)
class Screened:
    """A flag and the reason for it."""

    flag: Flag
    why: Why = Why.NONE


NOT_SCREENED = Screened(Flag.UNKNOWN)


def worst(first: Screened, second: Screened) -> Screened:
    """The worse of two judgements; the first stands when they are equally bad.

    The codes rise with badness, so the larger code is the worse flag.
    """
    return second if second.flag > first.flag else first

"""Reading and observation: the two nouns that everything else carries.

A value is a finite float in the parameter's unit, or None when there is none; what is wrong with it is in
the flag and the reason, never in a sentinel number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from types import MappingProxyType

from waterquality.flags import NOT_SCREENED, Flag, Screened
from waterquality.parameters import Parameter

DEVICE_ID = re.compile(r"[a-z]{2}-[0-9]{4,12}")
EPOCH = re.compile(r"[0-9a-f]{8}")
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """Whole milliseconds since 1970 of an aware instant; exact, no float between."""
    return (instant - _EPOCH_START) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC instant so many milliseconds after 1970."""
    return _EPOCH_START + milliseconds * _MILLISECOND


@dataclass(frozen=True, slots=True)
class Reading:
    """One parameter, one instant, one value, one flag.

    Attributes:
        parameter: what was measured.
        value: in the parameter's unit; None when there is none (then the flag is MISSING or FAIL).
        raw: volts or pulses before calibration; None where the device does not send it.
        raw_unit: "V" or "count".
        screened: the flag and its reason; UNKNOWN until somebody has screened it.
        certificate: id of the calibration certificate in force, "" when unknown.
        spread: how far the samples behind the value lay apart, in the parameter's unit.
    """

    parameter: Parameter
    value: float | None
    raw: float | None = None
    raw_unit: str = "V"
    screened: Screened = NOT_SCREENED
    certificate: str = ""
    spread: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no store can keep."""
        value, raw, spread = self.value, self.raw, self.spread
        if (
            (value is None or isfinite(value))
            and (raw is None or isfinite(raw))
            and (spread is None or isfinite(spread))
        ):
            return
        message = f"{self.parameter}: {(value, raw, spread)} are not all finite numbers"
        raise ValueError(message)

    @property
    def flag(self) -> Flag:
        """The QARTOD flag."""
        return self.screened.flag

    def judged(self, screened: Screened) -> "Reading":
        """The same reading with another judgement."""
        return Reading(
            self.parameter,
            self.value,
            self.raw,
            self.raw_unit,
            screened,
            self.certificate,
            self.spread,
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """All readings that a device took at one tick; what the outbox holds and numbers.

    Attributes:
        device: id of the device, e.g. `kk-0007`.
        epoch: eight hex digits, made with the outbox file.
        seq: sequence number, contiguous within the epoch, from 1.
        taken_ms: when it was taken, whole milliseconds since 1970, UTC.
        readings: by parameter; at most one each.
        clock_uncertainty_s: how far `taken_ms` may be off, in seconds; 0 when the clock was synchronised.
    """

    device: str
    epoch: str
    seq: int
    taken_ms: int
    readings: MappingProxyType[Parameter, Reading] = field(default_factory=lambda: MappingProxyType({}))
    clock_uncertainty_s: float = 0.0

    @property
    def taken_at(self) -> datetime:
        """When it was taken; aware UTC."""
        return from_ms(self.taken_ms)

    def screened(self, readings: Mapping[Parameter, Reading]) -> "Observation":
        """The same observation with its readings judged."""
        return Observation(
            self.device,
            self.epoch,
            self.seq,
            self.taken_ms,
            MappingProxyType(readings),
            self.clock_uncertainty_s,
        )


def by_parameter(*readings: Reading) -> MappingProxyType[Parameter, Reading]:
    """The readings, keyed by what they measure."""
    return MappingProxyType({reading.parameter: reading for reading in readings})

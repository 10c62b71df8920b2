"""The line that a pH circuit keeps of its electrode: two legs that meet in its middle point. Only words, no I/O."""

from dataclasses import dataclass
from enum import StrEnum


class CalibrationPoint(StrEnum):
    """Which point of its line a buffer sets. `MID` comes first: it wipes out the others."""

    MID = "mid"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Slope:
    """How near an electrode comes to the theoretical one, as its circuit has it.

    Attributes:
        acid_percent: below pH 7.
        base_percent: above pH 7.
        offset_mv: its millivolts at pH 7; None where the circuit's firmware does not say.
    """

    acid_percent: float
    base_percent: float
    offset_mv: float | None

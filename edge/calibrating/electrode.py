"""A pH electrode judged by Nernst: its slope, its offset, and whether it was in the buffer that was named. Pure.

An ideal electrode gives S(T) = ln(10) R T / F volts for each unit of pH, which is 59.16 mV at 25 degrees, and
nothing at pH 7. The trade calls one fit between 85 and 105 % of that slope and within 30 mV of nothing; below
and beyond it is dirty, dry, cracked or worn (`docs/guides/calibrate-a-probe.md`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

from firmware_config import datasheet
from firmware_config.catalogues import Phrase, said
from firmware_config.datasheet import Direction

_GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA
_FARADAY = 96_485.33212  # C/mol, CODATA
_ZERO_CELSIUS_K = 273.15
NEUTRAL_PH = 7.0
FIT_SLOPE_PERCENT = (85.0, 105.0)
GOOD_SLOPE_PERCENT = (92.0, 102.0)
FIT_OFFSET_MV = 30.0
# What stands in cupboards, the likeliest first: the two usual series.
BUFFERS = (7.0, 4.0, 10.0, 6.86, 9.18)
SAME_BUFFER_PH = 0.5  # closer than this, two answers are one buffer, or an electrode that does not answer


@dataclass(frozen=True, slots=True)
class Dip:
    """What a probe showed in one standard.

    Attributes:
        standard: value of the standard, in the parameter's unit.
        volts: at the probe, once it stood still.
    """

    standard: float
    volts: float


@dataclass(frozen=True, slots=True)
class Health:
    """How an electrode does.

    Attributes:
        slope_percent: its slope as a share of the ideal one at its temperature, in percent; negative when it
            runs the wrong way.
        offset_mv: what it gives at pH 7, in mV.
    """

    slope_percent: float
    offset_mv: float


def nernst_mv(temperature_c: float) -> float:
    """The ideal slope, in mV for each unit of pH.

    Args:
        temperature_c: of electrode and buffer.
    """
    return 1000 * math.log(10) * _GAS_CONSTANT * (temperature_c + _ZERO_CELSIUS_K) / _FARADAY


def ideal_volts(ph: float, temperature_c: float, amplifier: datasheet.Electrode, runs: Direction) -> float:
    """What a perfect electrode behind this amplifier puts out in a buffer.

    Args:
        ph: of the buffer.
        temperature_c: of both.
        amplifier: gain and neutral volts.
        runs: how the pH goes when the volts rise.
    """
    sign = -1 if runs is Direction.FALLING else 1
    electrode_mv = sign * (ph - NEUTRAL_PH) * nernst_mv(temperature_c)
    return amplifier.neutral_volts + amplifier.gain * electrode_mv / 1000


def health(
    dips: Sequence[Dip], temperature_c: float, amplifier: datasheet.Electrode, runs: Direction
) -> Health:
    """Slope and offset of an electrode, by the straight line through what it showed.

    Args:
        dips: in at least two different buffers.
        temperature_c: of electrode and buffers.
        amplifier: what stands between electrode and converter.
        runs: how the pH goes when the volts rise.
    """
    slope, at_zero = linear_regression([dip.standard for dip in dips], [dip.volts for dip in dips])
    sign = -1 if runs is Direction.FALLING else 1
    ideal = sign * amplifier.gain * nernst_mv(temperature_c) / 1000
    neutral = at_zero + slope * NEUTRAL_PH
    return Health(100 * slope / ideal, 1000 * (neutral - amplifier.neutral_volts) / amplifier.gain)


def why_unfit(found: Health) -> Phrase | None:
    """Why an electrode gets no certificate; None when it does."""
    low, high = FIT_SLOPE_PERCENT
    if not low <= found.slope_percent <= high:
        return said(
            "The slope is %(slope).1f %%; a sound electrode has %(low).0f to %(high).0f %%."
            " Clean and soak it and try again with fresh buffers; if it stays so, it is worn: replace it.",
            slope=found.slope_percent,
            low=low,
            high=high,
        )
    if abs(found.offset_mv) > FIT_OFFSET_MV:
        return said(
            "The offset is %(offset)+.1f mV; a sound electrode stays within ±%(most).0f mV."
            " Use fresh buffer 7 and clean the electrode; if it stays so, it is worn: replace it.",
            offset=found.offset_mv,
            most=FIT_OFFSET_MV,
        )
    return None


def why_wrong_buffer(
    dip: Dip,
    before: Sequence[Dip],
    temperature_c: float,
    amplifier: datasheet.Electrode,
    runs: Direction,
) -> Phrase | None:
    """Why what was just shown cannot be the buffer that was named; None when it can.

    Only what is plainly another buffer is refused here; how well the electrode does is for `why_unfit` to say, when
    all buffers are measured.
    """
    same = amplifier.gain * nernst_mv(temperature_c) / 1000 * SAME_BUFFER_PH
    for other in before:
        if abs(other.volts - dip.volts) < same:
            return said(
                "%(volts).3f V in buffer %(this).2f and %(other_volts).3f V in buffer %(other).2f are the same:"
                " the same buffer twice, or an electrode that does not answer (cracked, dry, cap still on).",
                volts=dip.volts,
                this=dip.standard,
                other_volts=other.volts,
                other=other.standard,
            )
    if _could_be(dip.standard, dip.volts, temperature_c, amplifier, runs):
        return None
    likely = [ph for ph in BUFFERS if _could_be(ph, dip.volts, temperature_c, amplifier, runs)]
    if not likely:
        return None
    return said(
        "%(volts).3f V is what buffer %(likely).2f gives; buffer %(this).2f should give about %(ideal).3f V."
        " The bottles may be mixed up, or the buffer is old.",
        volts=dip.volts,
        likely=likely[0],
        this=dip.standard,
        ideal=ideal_volts(dip.standard, temperature_c, amplifier, runs),
    )


def _could_be(
    ph: float, volts: float, temperature_c: float, amplifier: datasheet.Electrode, runs: Direction
) -> bool:
    """Whether some fit electrode puts out these volts in a buffer."""
    swing = ideal_volts(ph, temperature_c, amplifier, runs) - amplifier.neutral_volts
    ends = [swing * percent / 100 for percent in FIT_SLOPE_PERCENT]
    offset = amplifier.gain * FIT_OFFSET_MV / 1000
    low, high = amplifier.neutral_volts + min(ends) - offset, amplifier.neutral_volts + max(ends) + offset
    return low <= volts <= high

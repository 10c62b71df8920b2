"""A pH circuit that is set to its buffers itself: was it the buffer that was named, is its electrode fit? Pure.

The circuit counts on an ideal electrode until it is set, and on an ideal slope from its middle point until it is
set on that side as well. So what it shows in a buffer before it is set there says whether the bottles are mixed up;
its own word on slope and offset is judged like that of any electrode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge.calibrating.electrode import (
    BUFFERS,
    FIT_OFFSET_MV,
    FIT_SLOPE_PERCENT,
    NEUTRAL_PH,
    SAME_BUFFER_PH,
    Health,
    nernst_mv,
    why_unfit,
)
from edge.calibrating.judging import Occasion, Standard
from edge.ph_line import CalibrationPoint, Slope
from firmware_config.catalogues import Phrase, said
from firmware_config.parts import CalibrationCertificate, CurveKind
from waterquality.parameters import SPECS, Parameter

# Where the buffer of each point may lie: our own choice, wide enough for every usual series, far enough apart.
PLACES = {
    CalibrationPoint.MID: (6.0, 8.0),
    CalibrationPoint.LOW: (1.0, 5.5),
    CalibrationPoint.HIGH: (8.5, 13.0),
}


@dataclass(frozen=True, slots=True)
class SetPoint:
    """One point that a circuit was set at.

    Attributes:
        point: which of its line.
        shown: pH that it showed in the buffer before it was set.
        standard: the buffer.
    """

    point: CalibrationPoint
    shown: float
    standard: Standard


def why_wrong_shown(shown: float, ph: float, temperature_c: float) -> Phrase | None:
    """Why what a circuit shows cannot be the buffer that was named; None when it can.

    Only what is plainly another buffer is refused here; how well the electrode does is for `judge_circuit` to say.

    Args:
        shown: pH that it shows, not yet set in this buffer.
        ph: of the buffer.
        temperature_c: of the buffer.
    """
    if _could_show(ph, shown, temperature_c):
        return None
    others = [buffer for buffer in BUFFERS if abs(buffer - ph) > SAME_BUFFER_PH]
    likely = [buffer for buffer in others if _could_show(buffer, shown, temperature_c)]
    if not likely:
        return None
    return said(
        "It shows %(shown).2f, as it would in buffer %(likely).2f, and not in %(this).2f: the bottles are mixed up,"
        " or the electrode does not answer (cracked, dry, cap still on).",
        shown=shown,
        likely=likely[0],
        this=ph,
    )


def _could_show(ph: float, shown: float, temperature_c: float) -> bool:
    """Whether some fit electrode, on a circuit that holds it for ideal, shows this in a buffer."""
    ends = [NEUTRAL_PH + (ph - NEUTRAL_PH) * percent / 100 for percent in FIT_SLOPE_PERCENT]
    offset = FIT_OFFSET_MV / nernst_mv(temperature_c)
    return min(ends) - offset <= shown <= max(ends) + offset


def judge_circuit(
    points: Sequence[SetPoint], slope: Slope, temperature_c: float, occasion: Occasion
) -> CalibrationCertificate | Phrase:
    """A certificate of a circuit that was set, or why it gets none.

    Args:
        points: that it was set at, none of them wrong by `why_wrong_shown`.
        slope: what it says of its electrode afterwards.
        temperature_c: of the buffers.
        occasion: who, when.
    """
    sides = _measured_sides(points, slope)
    whys = (why_unfit(Health(percent, slope.offset_mv or 0.0)) for percent in sides.values())
    unfit = next(filter(None, whys), None)
    if unfit is not None:
        return unfit
    farthest: float = max(sides.values(), key=lambda percent: abs(percent - 100))
    return CalibrationCertificate(
        id=occasion.new_id(Parameter.PH),
        made_on=occasion.made_on,
        made_by=occasion.made_by,
        kind=CurveKind.KEPT,
        points=tuple((round(each.shown, 3), each.standard.value) for each in points),
        standards=tuple(each.standard.words(SPECS[Parameter.PH].unit) for each in points),
        expires_on=occasion.made_on + timedelta(days=occasion.trusted_days),
        slope_percent=round(farthest, 1),
        offset_mv=None if slope.offset_mv is None else round(slope.offset_mv, 1),
        temperature_c=temperature_c,
        note="slope " + ", ".join(f"{percent:.1f} % {side}" for side, percent in sides.items()),
    )


def _measured_sides(points: Sequence[SetPoint], slope: Slope) -> dict[str, float]:
    """The slopes that were measured: of a side without a point the circuit says what it assumes."""
    sides = {CalibrationPoint.LOW: ("below pH 7", slope.acid_percent)}
    sides[CalibrationPoint.HIGH] = ("above pH 7", slope.base_percent)
    return dict(sides[each.point] for each in points if each.point in sides)

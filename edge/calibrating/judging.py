"""The judgement of a calibration: a certificate, or a refusal with the numbers. Pure.

What is judged is what the probe showed once it stood still; whether it did is `steadiness`. A refusal is a
`Phrase`, so that the technician reads it in their own language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from edge.calibrating.electrode import Dip, Health, health, why_unfit, why_wrong_buffer
from firmware_config.catalogues import Phrase, said
from firmware_config.datasheet import Datasheet, Direction, PulseSignal, VoltageSignal
from firmware_config.parts import CalibrationCertificate, CurveKind
from waterquality.limits import Method
from waterquality.parameters import SPECS, Parameter

# How long a calibration is trusted, in days; our own choice, on the short side. pH drifts within weeks in the
# water.
TRUSTED_DAYS = {Parameter.PH: 30, Parameter.TURBIDITY: 182, Parameter.FLOW: 365}
_FEWEST_PULSES = 20  # a pulse more or less is then at most 5 %
_RUNS_APART_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who calibrates what, when.

    Attributes:
        device: id of the device.
        made_by: the technician.
        made_on: the day.
        taken: ids of certificates that are taken already.
        trusted_days: for how long it will be trusted.
    """

    device: str
    made_by: str
    made_on: date
    taken: frozenset[str] = frozenset()
    trusted_days: int

    def new_id(self, parameter: Parameter) -> str:
        """An id that nobody has: device, parameter and day, and a number from the second of a day on."""
        first = f"{self.device}-{parameter}-{self.made_on}"
        others = (f"{first}-{number}" for number in range(2, len(self.taken) + 3))
        return next(name for name in (first, *others) if name not in self.taken)


@dataclass(frozen=True, slots=True)
class Standard:
    """A buffer or turbidity standard.

    Attributes:
        value: what its label says at its temperature, in the parameter's unit.
        lot: from the label.
    """

    value: float
    lot: str

    def words(self, unit: str) -> str:
        """As a certificate has it."""
        return f"{self.value:g} {unit}, lot {self.lot or '?'}"


@dataclass(frozen=True, slots=True)
class Run:
    """A known volume through a meter.

    Attributes:
        litres: how much it was.
        pulses: how many were counted.
    """

    litres: float
    pulses: int


def why_wrong_standard(
    dip: Dip, before: Sequence[Dip], temperature_c: float, sheet: Datasheet
) -> Phrase | None:
    """Why what a probe just showed cannot be used; None when it can.

    Args:
        dip: what it showed.
        before: what it showed in the standards before.
        temperature_c: of the standard.
        sheet: the probe's, which answers in volts.
    """
    assert isinstance(sheet.signal, VoltageSignal)
    low, high = sheet.signal.valid_volts
    if sheet.signal.why_unusable(dip.volts):
        return said(
            "%(shown).3f %(unit)s lies outside the %(low)g to %(high)g that this probe can give in a standard:"
            " look at the plug, the cable and the wiring.",
            shown=dip.volts,
            unit="V",
            low=low,
            high=high,
        )
    if sheet.parameter is Parameter.PH and sheet.electrode is not None:
        return why_wrong_buffer(dip, before, temperature_c, sheet.electrode, sheet.signal.direction)
    return _why_out_of_order(dip, before, sheet.signal.direction)


def _why_out_of_order(dip: Dip, before: Sequence[Dip], runs: Direction) -> Phrase | None:
    if runs is Direction.ANY:
        return None
    sign = 1 if runs is Direction.RISING else -1
    for other in before:
        if (dip.standard - other.standard) * (dip.volts - other.volts) * sign <= 0:
            return said(
                "%(shown).3f in the standard %(this)g and %(other_shown).3f in %(other)g run the wrong way:"
                " the bottles are mixed up, the standard has settled (shake it gently), or there are bubbles.",
                shown=dip.volts,
                this=dip.standard,
                other_shown=other.volts,
                other=other.standard,
            )
    return None


def judge_volts(
    dips: Sequence[Dip],
    standards: Sequence[Standard],
    temperature_c: float,
    sheet: Datasheet,
    occasion: Occasion,
) -> CalibrationCertificate | Phrase:
    """A certificate of a probe that answers in volts, or why it gets none.

    Args:
        dips: what it showed, in at least two standards, none of them wrong by `why_wrong_standard`.
        standards: those of the dips, in the same order.
        temperature_c: of the standards.
        sheet: the probe's.
        occasion: who, when.
    """
    electrode = _electrode(dips, temperature_c, sheet)
    unfit = why_unfit(electrode) if electrode else None
    if unfit is not None:
        return unfit
    unit = SPECS[sheet.parameter].unit
    return CalibrationCertificate(
        id=occasion.new_id(sheet.parameter),
        made_on=occasion.made_on,
        made_by=occasion.made_by,
        kind=CurveKind.TABLE if sheet.method is Method.INDICATIVE else CurveKind.LINEAR,
        points=tuple((round(dip.volts, 5), dip.standard) for dip in dips),
        standards=tuple(standard.words(unit) for standard in standards),
        expires_on=occasion.made_on + timedelta(days=occasion.trusted_days),
        slope_percent=round(electrode.slope_percent, 1) if electrode else None,
        offset_mv=round(electrode.offset_mv, 1) if electrode else None,
        temperature_c=temperature_c,
    )


def _electrode(dips: Sequence[Dip], temperature_c: float, sheet: Datasheet) -> Health | None:
    if sheet.parameter is not Parameter.PH or sheet.electrode is None:
        return None
    assert isinstance(sheet.signal, VoltageSignal)
    return health(dips, temperature_c, sheet.electrode, sheet.signal.direction)


def judge_flow(
    runs: Sequence[Run], measured_with: str, sheet: Datasheet, occasion: Occasion
) -> CalibrationCertificate | Phrase:
    """A certificate of a meter, or why it gets none.

    Args:
        runs: at least one.
        measured_with: how the litres were measured.
        sheet: the meter's, which answers in pulses.
        occasion: who, when.
    """
    why = _why_no_meter(runs, sheet)
    if why is not None:
        return why
    pulses, litres = float(sum(run.pulses for run in runs)), sum(run.litres for run in runs)
    return CalibrationCertificate(
        id=occasion.new_id(Parameter.FLOW),
        made_on=occasion.made_on,
        made_by=occasion.made_by,
        kind=CurveKind.LINEAR,
        points=((0.0, 0.0), (pulses, litres)),
        standards=(measured_with,),
        expires_on=occasion.made_on + timedelta(days=occasion.trusted_days),
        note="; ".join(f"{run.litres:g} L gave {run.pulses} pulses" for run in runs),
    )


def _why_no_meter(runs: Sequence[Run], sheet: Datasheet) -> Phrase | None:
    assert isinstance(sheet.signal, PulseSignal)
    pulses, litres = sum(run.pulses for run in runs), sum(run.litres for run in runs)
    if pulses < _FEWEST_PULSES:
        return said(
            "%(pulses)d pulses are too few to say anything; it needs at least %(fewest)d."
            " Let more water through, or look at the meter's cable.",
            pulses=pulses,
            fewest=_FEWEST_PULSES,
        )
    for one, other in pairwise(sorted(run.pulses / run.litres for run in runs)):
        if other - one > _RUNS_APART_SHARE * one:
            return said(
                "The runs disagree: %(one).4g and %(other).4g pulses a litre, more than %(most).0f %% apart."
                " Measure the volume again, with the tap as far open as people have it.",
                one=one,
                other=other,
                most=100 * _RUNS_APART_SHARE,
            )
    low, high = sheet.signal.pulses_per_litre
    if not low <= pulses / litres <= high:
        return said(
            "%(factor).4g pulses a litre is impossible for a %(model)s (%(low)g to %(high)g):"
            " check the volume, and that no pulses come from elsewhere.",
            factor=pulses / litres,
            model=sheet.model,
            low=low,
            high=high,
        )
    return None

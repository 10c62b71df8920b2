"""Waiting at the tap until a probe stands still, with a bar and the numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

from edge.calibrating.judging import Standard
from edge.calibrating.steadiness import PH, TURBIDITY, Criterion, Steadiness, of_instrument, steadiness
from edge.live import LiveSource, timed
from edge.tap.bench import Bench
from edge.tap.screen import Screen
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.datasheet import Datasheet, VoltageSignal
from firmware_config.words import WHYS
from waterquality.flags import Why
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Reading

CRITERIA: dict[Parameter, Criterion] = {Parameter.PH: PH, Parameter.TURBIDITY: TURBIDITY}
LONGEST_S = 300.0
_KEPT = 600


@dataclass(frozen=True, slots=True)
class Settled:
    """What a probe showed, once it stood still.

    Attributes:
        raw: median of the stretch that counted, in the raw unit.
        raw_unit: its unit.
        value: what it read by the certificate in force, in the parameter's unit; None where it gave none.
        why: why not.
    """

    raw: float
    raw_unit: str
    value: float | None
    why: Why


def shown_in(bench: Bench, standard: Standard) -> Settled | Phrase:
    """What the probe shows in a standard that the technician puts it into."""
    parameter = bench.sheet.parameter
    bench.screen.await_enter(
        msgid("Rinse the probe, dip it into %(value)g %(unit)s and stir gently."),
        value=standard.value,
        unit=SPECS[parameter].unit,
    )
    if bench.source.practice is not None:
        bench.source.practice.dip(parameter, standard.value)
    return settle(bench.screen, bench.source.live, parameter, criterion_of(bench.sheet, standard.value))


def criterion_of(sheet: Datasheet, standard: float) -> Criterion:
    """When a probe of this model stands still.

    Args:
        sheet: its model.
        standard: what it is in, in the parameter's unit.
    """
    if isinstance(sheet.signal, VoltageSignal):
        return CRITERIA[sheet.parameter]
    return of_instrument(sheet.capability.uncertainty_at(standard))


def settle(
    screen: Screen,
    source: LiveSource,
    parameter: Parameter,
    criterion: Criterion,
    *,
    longest_s: float = LONGEST_S,
) -> Settled | Phrase:
    """Wait until the probe stands still, or say why it does not.

    Args:
        screen: where the bar is shown.
        source: of the readings.
        parameter: what the probe measures.
        criterion: when it stands still.
        longest_s: how long to wait.
    """
    with screen.bar() as tell:
        readings = ((at_s, _with_raw(reading)) for at_s, reading in timed(source.frames(), parameter))
        return _watched(
            readings, criterion, longest_s, lambda share, beside: tell(share, screen.speech.say(beside))
        )


def _with_raw(reading: Reading) -> Reading:
    """What an instrument shows is all that there is of it."""
    if reading.raw is not None:
        return reading
    return replace(reading, raw=reading.value, raw_unit=SPECS[reading.parameter].unit)


def _watched(
    readings: Iterator[tuple[float, Reading]],
    criterion: Criterion,
    longest_s: float,
    tell: Callable[[float, Phrase], None],
) -> Settled | Phrase:
    seen: list[tuple[float, Reading]] = []
    found: Steadiness | None = None
    started_s: float | None = None
    for at_s, reading in readings:
        if started_s is None and reading.screened.why is Why.PROBE_NOT_SETTLED and at_s < longest_s:
            tell(0.0, said("the probe warms up  %(seconds)d s", seconds=at_s))
            continue
        started_s = at_s if started_s is None else started_s
        if reading.raw is None:
            return said(
                "The probe gives nothing: %(why)s.",
                why=Phrase(WHYS[reading.screened.why or Why.NOT_RECORDED]),
            )
        seen = [*seen[-_KEPT:], (at_s, reading)]
        found = steadiness([(each_s, each.raw or 0.0) for each_s, each in seen], criterion)
        tell(found.share, _beside(found, reading, at_s))
        if found.is_steady:
            return _settled(found, [each for each_s, each in seen if each_s >= at_s - criterion.window_s])
        if at_s - started_s > longest_s:
            break
    return _why_not(found, criterion, longest_s)


def _beside(found: Steadiness, reading: Reading, at_s: float) -> Phrase:
    return said(
        "%(level).3f %(unit)s  spread %(spread).3f  drift %(drift)+.3f  %(seconds)d s",
        level=found.level,
        spread=found.spread,
        drift=found.drift,
        unit=reading.raw_unit,
        seconds=at_s,
    )


def _settled(found: Steadiness, stretch: list[Reading]) -> Settled:
    values = [reading.value for reading in stretch if reading.value is not None]
    return Settled(
        found.level, stretch[-1].raw_unit, median(values) if values else None, stretch[-1].screened.why
    )


def _why_not(found: Steadiness | None, criterion: Criterion, longest_s: float) -> Phrase:
    if found is None:
        return said("No reading of this probe came.")
    return said(
        "It did not stand still within %(longest).0f s: in the last stretch it spread over %(spread).3f"
        " (at most %(most_spread).3f) and moved by %(drift)+.3f (at most %(most_drift).3f)."
        " Stir gently, chase bubbles away, give a cold probe time; if it stays so, clean it.",
        longest=longest_s,
        spread=found.spread,
        most_spread=criterion.most_spread,
        drift=found.drift,
        most_drift=criterion.most_drift,
    )

"""What each test goes by: defaults with their reasons; a probe model or a water point may have others.

A test that is None is not made. The defaults were looked at on recordings of sound instruments: drinking water
in a German works at a minute, two rivers in Utah at a quarter of an hour, a brook in Texas at five minutes
(`docs/specs/screening.md` has the figures). They are wide: they flag what hardly any water does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType

from waterquality.parameters import SPECS, Parameter
from waterquality.screening.attenuated_signal import AttenuatedBounds
from waterquality.screening.climatology import Climate
from waterquality.screening.flat_line import FlatBounds
from waterquality.screening.gross_range import Spans
from waterquality.screening.rate_of_change import RateBounds
from waterquality.screening.spike import SpikeBounds

_HOUR_S = 3600.0
_QUARTER_S = 900.0
_NO_CLIMATE: Climate = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How one series is screened.

    Attributes:
        spans: gross range.
        spike: None where the parameter may well jump: a tap is opened and closed.
        rate: likewise.
        flat: None where it may well stand still: a spring has one temperature for weeks, a meter stands.
        attenuated: likewise.
        climate: the usual span of each month; empty until the water point has a history.
        apart_s: neighbours farther apart say nothing about one another.
        disturbed_s: how long it is in doubt when another probe of the device falls silent; None: not at all.
    """

    spans: Spans
    spike: SpikeBounds | None = None
    rate: RateBounds | None = None
    flat: FlatBounds | None = None
    attenuated: AttenuatedBounds | None = None
    climate: Climate = field(default_factory=lambda: _NO_CLIMATE)
    # As long as ioos_qc's time_gap_test waits by default; the slowest adaptive device reports far oftener.
    apart_s: float = 2 * _HOUR_S
    disturbed_s: float | None = None

    @property
    def reach_s(self) -> float:
        """How far back, in seconds, a judgement may look beyond the reading just before."""
        longest = [0.0]
        if self.flat is not None:
            longest += (self.flat.suspect_after_s, self.flat.fail_after_s)
        if self.attenuated is not None:
            longest.append(self.attenuated.period_s)
        return max(each for each in longest if isfinite(each)) + self.apart_s


def _spans(parameter: Parameter) -> Spans:
    return Spans(SPECS[parameter].possible, SPECS[parameter].usual)


DEFAULTS: Mapping[Parameter, Bounds] = MappingProxyType(
    {
        Parameter.TURBIDITY: Bounds(
            spans=_spans(Parameter.TURBIDITY),
            # A bubble or a leaf. Ten times what a limit of drinking water is; in a river in spring it is ordinary.
            spike=SpikeBounds(suspect=50.0),
            # Mud after rain takes a quarter of an hour to come; 200 NTU in one is a thing before the window.
            rate=RateBounds(suspect_per_s=200.0 / _QUARTER_S, least=50.0),
            # Sound ones never repeated themselves to the last digit for longer than 1.4 hours.
            flat=FlatBounds(suspect_after_s=6 * _HOUR_S, fail_after_s=24 * _HOUR_S, above=0.0),
            attenuated=AttenuatedBounds(period_s=72 * _HOUR_S, suspect_below=0.01),
        ),
        Parameter.PH: Bounds(
            spans=_spans(Parameter.PH),
            # Twice the uncertainty of a field electrode; buffered water does not go and come back within minutes.
            spike=SpikeBounds(suspect=0.2),
            rate=RateBounds(suspect_per_s=0.3 / _QUARTER_S, least=0.3),
            # Sound ones never repeated themselves for longer than 9.5 hours, at steps of 0.01.
            flat=FlatBounds(suspect_after_s=24 * _HOUR_S, fail_after_s=72 * _HOUR_S),
            attenuated=AttenuatedBounds(period_s=72 * _HOUR_S, suspect_below=0.015),
            # An electrode that lost its water or its power takes minutes to settle, and a visit less than an hour.
            # Optics settle at once: doubting turbidity too found next to nothing and doubled the false flags.
            disturbed_s=_HOUR_S,
        ),
        Parameter.TEMPERATURE: Bounds(
            spans=_spans(Parameter.TEMPERATURE),
            # A power-on reading of 85 °C, a lead that lets go: far more than water does between two readings.
            spike=SpikeBounds(suspect=3.0),
            rate=RateBounds(suspect_per_s=5.0 / _QUARTER_S, least=5.0),
        ),
        Parameter.FLOW: Bounds(spans=_spans(Parameter.FLOW)),
        Parameter.VOLUME: Bounds(spans=_spans(Parameter.VOLUME)),
    }
)
DEFAULT_SPANS: Mapping[Parameter, Spans] = MappingProxyType(
    {parameter: tests.spans for parameter, tests in DEFAULTS.items()}
)

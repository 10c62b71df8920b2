"""What a probe model, a device or a water point is screened by, as a person writes it.

Whoever sets a test sets all of it, so that its numbers stand together where they are read; what is not set is that
of the next wider one: the water point, the device, the datasheet, the default. Is: form and order of the numbers,
and how they are put in force. Is not: the tests, which are in `waterquality.screening`.

Every table says its unit, since a threshold without one may be anybody's.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from math import inf
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firmware_config.errors import Problem
from firmware_config.refusal import refuse
from waterquality.parameters import SPECS, Parameter
from waterquality.screening import Bounds, Spans
from waterquality.screening.attenuated_signal import AttenuatedBounds
from waterquality.screening.flat_line import FlatBounds
from waterquality.screening.rate_of_change import RateBounds
from waterquality.screening.spike import SpikeBounds

_HOUR_S, _QUARTER_S = 3600.0, 900.0
_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class Test(StrEnum):
    """A test that may be set, or left out."""

    __test__ = False  # pytest would collect it

    USUAL = "usual"
    SPIKE = "spike"
    RATE = "rate"
    FLAT = "flat"
    ATTENUATED = "attenuated"
    DISTURBED = "disturbed_hours"
    MONTHS = "months"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _in_order(first: str, low: float, second: str, high: float | None) -> None:
    if high is not None and high <= low:
        refuse([Problem(second, f"must be more than {first}, which is {low:g}")])


class SpikeTest(_Table):
    """How far a value may stand out from its neighbours, in the parameter's unit."""

    suspect: _NotNegative
    fail: _NotNegative | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order("suspect", self.suspect, "fail", self.fail)
        return self

    def bounds(self) -> SpikeBounds:
        """As the test has it."""
        return SpikeBounds(suspect=self.suspect, fail=inf if self.fail is None else self.fail)


class RateTest(_Table):
    """How far a value may go in a quarter of an hour, and what is never too fast; in the parameter's unit."""

    suspect_per_quarter: _Positive
    fail_per_quarter: _Positive | None = None
    least: _NotNegative = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order("suspect_per_quarter", self.suspect_per_quarter, "fail_per_quarter", self.fail_per_quarter)
        return self

    def bounds(self) -> RateBounds:
        """As the test has it."""
        fail = inf if self.fail_per_quarter is None else self.fail_per_quarter / _QUARTER_S
        return RateBounds(
            suspect_per_s=self.suspect_per_quarter / _QUARTER_S, fail_per_s=fail, least=self.least
        )


class FlatTest(_Table):
    """How long a value may stay the same, in hours; `above` left out: as the datasheet has it."""

    suspect_after_hours: _Positive
    fail_after_hours: _Positive | None = None
    tolerance: _NotNegative = 0.0
    above: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order("suspect_after_hours", self.suspect_after_hours, "fail_after_hours", self.fail_after_hours)
        return self

    def bounds(self, before: FlatBounds | None) -> FlatBounds:
        """As the test has it.

        Args:
            before: what was in force; has the detection limit of the probe.
        """
        known = -inf if before is None else before.above
        return FlatBounds(
            suspect_after_s=self.suspect_after_hours * _HOUR_S,
            fail_after_s=inf if self.fail_after_hours is None else self.fail_after_hours * _HOUR_S,
            tolerance=self.tolerance,
            above=known if self.above is None else self.above,
        )


class AttenuatedTest(_Table):
    """How little a signal may move within a time."""

    period_hours: _Positive
    suspect_below: _Positive

    def bounds(self) -> AttenuatedBounds:
        """As the test has it."""
        return AttenuatedBounds(period_s=self.period_hours * _HOUR_S, suspect_below=self.suspect_below)


class ParameterTests(_Table):
    """What is set of one parameter.

    Attributes:
        unit: the unit of every value in it; that of the parameter.
        usual: outside is SUSPECT.
        spike: how far a value may stand out.
        rate: how fast it may change.
        flat: how long it may stay the same.
        attenuated: how little it may move.
        disturbed_hours: how long it is in doubt when another probe of the device falls silent.
        months: whether outside the span that history knows of a month is SUSPECT.
        off: tests that are not made.
    """

    unit: str
    usual: tuple[float, float] | None = None
    spike: SpikeTest | None = None
    rate: RateTest | None = None
    flat: FlatTest | None = None
    attenuated: AttenuatedTest | None = None
    disturbed_hours: _Positive | None = None
    months: bool | None = None
    off: tuple[Test, ...] = ()

    @model_validator(mode="after")
    def _stands_together(self) -> Self:
        both = [test for test in self.off if getattr(self, test) is not None]
        found = [Problem(test, "is set, and is named in `off`") for test in both]
        if Test.USUAL in self.off:
            found.append(Problem("off", "`usual` cannot be left out; make it as wide as the probe's span"))
        if self.usual is not None and self.usual[0] >= self.usual[1]:
            found.append(Problem(Test.USUAL, "the first number must be the smaller one"))
        refuse(found)
        return self

    def named(self) -> frozenset[Test]:
        """The tests that it says anything of."""
        return frozenset(test for test in Test if getattr(self, test) is not None) | frozenset(self.off)

    @property
    def is_by_month(self) -> bool | None:
        """Whether the month counts; None where nothing is said of it."""
        return False if Test.MONTHS in self.off else self.months

    def in_force(self, bounds: Bounds) -> Bounds:
        """The bounds with what is set here in the place of what was in force."""
        changed = bounds
        if self.usual is not None:
            changed = replace(changed, spans=Spans(bounds.spans.possible, self.usual))
        if self.spike is not None:
            changed = replace(changed, spike=self.spike.bounds())
        if self.rate is not None:
            changed = replace(changed, rate=self.rate.bounds())
        if self.flat is not None:
            changed = replace(changed, flat=self.flat.bounds(bounds.flat))
        if self.attenuated is not None:
            changed = replace(changed, attenuated=self.attenuated.bounds())
        if self.disturbed_hours is not None:
            changed = replace(changed, disturbed_s=self.disturbed_hours * _HOUR_S)
        return self._without(changed)

    def _without(self, bounds: Bounds) -> Bounds:
        return replace(
            bounds,
            spike=None if Test.SPIKE in self.off else bounds.spike,
            rate=None if Test.RATE in self.off else bounds.rate,
            flat=None if Test.FLAT in self.off else bounds.flat,
            attenuated=None if Test.ATTENUATED in self.off else bounds.attenuated,
            disturbed_s=None if Test.DISTURBED in self.off else bounds.disturbed_s,
        )


def problems_of(parameter: Parameter, tests: ParameterTests, key: str) -> Iterator[Problem]:
    """What does not go with the parameter that it is set for.

    Args:
        parameter: whose tests they are.
        tests: what is set.
        key: where it stands.
    """
    spec = SPECS[parameter]
    if tests.unit != spec.unit:
        yield Problem(f"{key}.unit", f"{parameter} is kept in {spec.unit}; write every value in {spec.unit}")
    low, high = spec.possible
    if tests.usual is not None and not low <= tests.usual[0] <= tests.usual[1] <= high:
        yield Problem(f"{key}.usual", f"must lie within {low:g} to {high:g} {spec.unit}")

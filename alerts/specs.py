"""Rules as data: the form in which they are written in TOML and kept in the database.

A border: everything is checked here, and what leaves is a `Rule` that cannot be wrong.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from alerts.limit_specs import WATER, Id, LastingSpec, LimitSpec, RuleSpecBase, Spec
from alerts.rules import (
    AnyRule,
    CustodyRule,
    EventRule,
    MassSilenceRule,
    NightFlowRule,
    NoDataRule,
    NoFlowRule,
    OffRule,
    RateRule,
    Role,
    SensorFaultRule,
    Severity,
)
from waterquality.parameters import Parameter

_ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_PROBE = frozenset({Role.TECHNICIAN})


class RateSpec(LastingSpec):
    """A rule about change as written."""

    kind: Literal["rate"]
    parameter: Parameter
    rise: float | None = Field(default=None, gt=0)
    fall: float | None = Field(default=None, gt=0)
    within_s: float = Field(ge=60, le=6 * 3600)

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.rise is None and self.fall is None:
            message = "a rule about change needs rise, fall or both"
            raise ValueError(message)
        return self

    def to_rule(self) -> RateRule:
        """The rule itself."""
        return RateRule(
            id=self.id,
            of=self.parameter,
            rise=self.rise,
            fall=self.fall,
            within_s=self.within_s,
            delays=self.delays,
            severity=self.severity,
            audience=self.audience,
            scope=self.scope,
        )


class NoFlowSpec(LastingSpec):
    """A rule about water that does not come, as written."""

    kind: Literal["no_flow"]
    least: float = Field(default=0.0, ge=0)

    def to_rule(self) -> NoFlowRule:
        """The rule itself."""
        return NoFlowRule(
            id=self.id,
            least=self.least,
            delays=self.delays,
            severity=self.severity,
            audience=self.audience,
            scope=self.scope,
        )


class NightFlowSpec(LastingSpec):
    """A rule about water that never stops at night, as written; springs run all night, so it names its points."""

    kind: Literal["night_flow"]
    water_points: tuple[Id, ...] = Field(min_length=1)
    most: float = Field(ge=0)
    night_from: _ClockTime = "01:00"
    night_until: _ClockTime = "05:00"

    @model_validator(mode="after")
    def _is_a_night_long_enough(self) -> Self:
        begins, ends = map(_since_midnight, (self.night_from, self.night_until))
        night_s = ((ends - begins) % timedelta(days=1)).total_seconds()
        if self.confirm_after_s >= night_s:
            raise ValueError(f"a night of {night_s:.0f} s is too short for confirm_after_s")
        return self

    def to_rule(self) -> NightFlowRule:
        """The rule itself."""
        return NightFlowRule(
            id=self.id,
            most=self.most,
            night=(_since_midnight(self.night_from), _since_midnight(self.night_until)),
            delays=self.delays,
            severity=self.severity,
            audience=self.audience,
            scope=self.scope,
        )


def _since_midnight(clock: str) -> timedelta:
    hours, minutes = map(int, clock.split(":"))
    return timedelta(hours=hours, minutes=minutes)


class SensorFaultSpec(LastingSpec):
    """A rule about a sick probe as written."""

    kind: Literal["sensor_fault"]
    parameter: Parameter
    audience: frozenset[Role] = _PROBE

    def to_rule(self) -> SensorFaultRule:
        """The rule itself."""
        return SensorFaultRule(
            id=self.id,
            of=self.parameter,
            delays=self.delays,
            severity=self.severity,
            audience=self.audience,
            scope=self.scope,
        )


class EventSpec(RuleSpecBase):
    """A rule about events as written."""

    kind: Literal["event"]
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = WATER

    def to_rule(self) -> EventRule:
        """The rule itself."""
        return EventRule(id=self.id, severity=self.severity, audience=self.audience, scope=self.scope)


class _WaitingSpec(RuleSpecBase):
    """What a rule says that waits for something to come."""

    after_s: float = Field(gt=0)
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = _PROBE


class NoDataSpec(_WaitingSpec):
    """A no-data rule as written."""

    kind: Literal["no_data"]

    def to_rule(self) -> NoDataRule:
        """The rule itself."""
        return NoDataRule(
            id=self.id, after_s=self.after_s, severity=self.severity, audience=self.audience, scope=self.scope
        )


class CustodySpec(_WaitingSpec):
    """A custody rule as written."""

    kind: Literal["custody"]

    def to_rule(self) -> CustodyRule:
        """The rule itself."""
        return CustodyRule(
            id=self.id, after_s=self.after_s, severity=self.severity, audience=self.audience, scope=self.scope
        )


class MassSilenceSpec(RuleSpecBase):
    """A rule about many falling silent together, as written."""

    kind: Literal["mass_silence"]
    water_points: tuple[Id, ...] = Field(default=(), max_length=0)
    share: float = Field(default=0.5, gt=0, le=1)
    at_least: int = Field(default=5, ge=2)
    severity: Severity = Severity.CRITICAL
    audience: frozenset[Role] = _PROBE

    def to_rule(self) -> MassSilenceRule:
        """The rule itself."""
        return MassSilenceRule(
            id=self.id,
            share=self.share,
            at_least=self.at_least,
            severity=self.severity,
            audience=self.audience,
        )


class OffSpec(RuleSpecBase):
    """That another rule is not in force at some water points."""

    kind: Literal["off"]
    water_points: tuple[Id, ...] = Field(min_length=1)
    replaces: Id

    def to_rule(self) -> OffRule:
        """The rule itself."""
        return OffRule(id=self.id, scope=self.scope)


AnySpec = (
    LimitSpec
    | RateSpec
    | NoFlowSpec
    | NightFlowSpec
    | SensorFaultSpec
    | EventSpec
    | NoDataSpec
    | CustodySpec
    | MassSilenceSpec
    | OffSpec
)
RuleSpec = Annotated[AnySpec, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnySpec] = TypeAdapter(RuleSpec)


class RuleBook(Spec):
    """A file of rules."""

    rule: tuple[RuleSpec, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [rule.id for rule in self.rule]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            message = f"two rules are called {doubled[0]}"
            raise ValueError(message)
        return self


def rule_from(spec: object) -> AnyRule:
    """A rule from the JSON kept in the database.

    Raises:
        pydantic.ValidationError: it is no rule; mended by the operator.
    """
    return _ADAPTER.validate_python(spec).to_rule()

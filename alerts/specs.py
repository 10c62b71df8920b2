"""Rules as data: the form in which they are written in TOML and kept in the database.

A border: everything is checked here, and what leaves is a `Rule` that cannot be wrong.
"""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from alerts.rules import (
    AnyRule,
    CustodyRule,
    Delays,
    EventRule,
    LimitRule,
    MassSilenceRule,
    NightFlowRule,
    NoDataRule,
    NoFlowRule,
    OffRule,
    RateRule,
    Role,
    Scope,
    SensorFaultRule,
    Severity,
    Step,
)
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
_ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_WATER = frozenset({Role.CSO, Role.MUNICIPALITY})
_PROBE = frozenset({Role.TECHNICIAN})


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LimitModel(_Spec):
    """A limit as written: a number with an authority and a date."""

    parameter: Parameter
    low: float | None = None
    high: float | None = None
    authority: _Id
    source: str = ""
    verified_by: str = ""
    verified_on: date | None = None

    @model_validator(mode="after")
    def _has_bounds_in_order(self) -> Self:
        if self.low is None and self.high is None:
            message = "a limit needs low, high or both"
            raise ValueError(message)
        if self.low is not None and self.high is not None and self.low >= self.high:
            message = f"low {self.low:g} is not below high {self.high:g}"
            raise ValueError(message)
        if bool(self.verified_by) != (self.verified_on is not None):
            message = "verified_by and verified_on belong together"
            raise ValueError(message)
        return self

    def to_limit(self) -> Limit:
        """The limit itself."""
        return Limit(**self.model_dump())


class _RuleSpec(_Spec):
    """What every rule says: its name, where it is in force, and whose place it takes there."""

    id: _Id
    water_points: tuple[_Id, ...] = ()
    replaces: _Id | Literal[""] = ""

    @model_validator(mode="after")
    def _replaces_somewhere(self) -> Self:
        if self.replaces and not self.water_points:
            message = f"it replaces {self.replaces} everywhere: change that rule, or name the water_points"
            raise ValueError(message)
        if self.replaces == self.id:
            message = "it replaces itself"
            raise ValueError(message)
        return self

    @property
    def scope(self) -> Scope:
        """Where it is in force."""
        return Scope(frozenset(self.water_points), self.replaces)


class _LastingSpec(_RuleSpec):
    """What a rule says whose findings must last."""

    confirm_after_s: float = Field(ge=0)
    clear_after_s: float = Field(ge=0)
    reopen_within_s: float = Field(default=3600, ge=0)
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = _WATER

    @property
    def delays(self) -> Delays:
        """How long findings must last."""
        return Delays(self.confirm_after_s, self.clear_after_s, reopen_s=self.reopen_within_s)


class StepSpec(_Spec):
    """A step up of a limit rule as written."""

    limit: LimitModel
    severity: Severity
    confirm_after_s: float = Field(ge=0)

    def to_step(self) -> Step:
        """The step itself."""
        return Step(self.limit.to_limit(), self.severity, self.confirm_after_s)


class LimitSpec(_LastingSpec):
    """A limit rule as written."""

    kind: Literal["limit"]
    limit: LimitModel
    deadband: float = Field(ge=0)
    step: tuple[StepSpec, ...] = ()

    @model_validator(mode="after")
    def _steps_lead_up(self) -> Self:
        steps = [(self.limit, self.severity), *((step.limit, step.severity) for step in self.step)]
        for (near, mild), (far, bad) in pairwise(steps):
            if far.parameter is not near.parameter:
                raise ValueError(f"a step is about {far.parameter}, and the rule about {near.parameter}")
            if mild.is_at_least(bad):
                raise ValueError(f"a step up must be worse: {bad} is not worse than {mild}")
            if not _is_farther(far, near):
                raise ValueError(f"the step {bad} does not lie beyond the one before it")
        return self

    def to_rule(self) -> LimitRule:
        """The rule itself."""
        higher = tuple(step.to_step() for step in self.step)
        delays = Delays(
            self.confirm_after_s,
            self.clear_after_s,
            tuple(step.confirm_s for step in higher),
            self.reopen_within_s,
        )
        return LimitRule(
            id=self.id,
            limit=self.limit.to_limit(),
            delays=delays,
            deadband=self.deadband,
            severity=self.severity,
            audience=self.audience,
            higher=higher,
            scope=self.scope,
        )


def _is_farther(far: LimitModel, near: LimitModel) -> bool:
    """Whether one limit lies beyond another on every side it has, and has no side that the other has not."""
    is_high = far.high is None or (near.high is not None and far.high > near.high)
    is_low = far.low is None or (near.low is not None and far.low < near.low)
    return is_high and is_low


class RateSpec(_LastingSpec):
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


class NoFlowSpec(_LastingSpec):
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


class NightFlowSpec(_LastingSpec):
    """A rule about water that never stops at night, as written; springs run all night, so it names its points."""

    kind: Literal["night_flow"]
    water_points: tuple[_Id, ...] = Field(min_length=1)
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


class SensorFaultSpec(_LastingSpec):
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


class EventSpec(_RuleSpec):
    """A rule about events as written."""

    kind: Literal["event"]
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = _WATER

    def to_rule(self) -> EventRule:
        """The rule itself."""
        return EventRule(id=self.id, severity=self.severity, audience=self.audience, scope=self.scope)


class _WaitingSpec(_RuleSpec):
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


class MassSilenceSpec(_RuleSpec):
    """A rule about many falling silent together, as written."""

    kind: Literal["mass_silence"]
    water_points: tuple[_Id, ...] = Field(default=(), max_length=0)
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


class OffSpec(_RuleSpec):
    """That another rule is not in force at some water points."""

    kind: Literal["off"]
    water_points: tuple[_Id, ...] = Field(min_length=1)
    replaces: _Id

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


class RuleBook(_Spec):
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

"""Limits as written, and what every rule says. A border, like `alerts.specs`, which is the door to it."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.rules import Delays, LimitRule, Role, Scope, Severity, Step
from waterquality.limits import Limit
from waterquality.parameters import Parameter

Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
WATER = frozenset({Role.CSO, Role.MUNICIPALITY})


class Spec(BaseModel):
    """What cannot be changed and holds nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LimitModel(Spec):
    """A limit as written: a number with an authority and a date."""

    parameter: Parameter
    low: float | None = None
    high: float | None = None
    authority: Id
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


class RuleSpecBase(Spec):
    """What every rule says: its name, where it is in force, and whose place it takes there."""

    id: Id
    water_points: tuple[Id, ...] = ()
    replaces: Id | Literal[""] = ""

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


class LastingSpec(RuleSpecBase):
    """What a rule says whose findings must last."""

    confirm_after_s: float = Field(ge=0)
    clear_after_s: float = Field(ge=0)
    reopen_within_s: float = Field(default=3600, ge=0)
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = WATER

    @property
    def delays(self) -> Delays:
        """How long findings must last."""
        return Delays(self.confirm_after_s, self.clear_after_s, reopen_s=self.reopen_within_s)


class StepSpec(Spec):
    """A step up of a limit rule as written."""

    limit: LimitModel
    severity: Severity
    confirm_after_s: float = Field(ge=0)

    def to_step(self) -> Step:
        """The step itself."""
        return Step(self.limit.to_limit(), self.severity, self.confirm_after_s)


class LimitSpec(LastingSpec):
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

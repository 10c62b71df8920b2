"""Rules as data: the form in which they are written in TOML and kept in the database.

A border: everything is checked here, and what leaves is a `Rule` that cannot be wrong.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from alerts.rules import CustodyRule, Delays, LimitRule, NoDataRule, Role, Rule, Severity
from waterquality.limits import Limit
from waterquality.parameters import Parameter

_Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]


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
    def _has_bounds_in_order(self) -> "LimitModel":
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


class LimitSpec(_Spec):
    """A limit rule as written."""

    kind: Literal["limit"]
    id: _Id
    limit: LimitModel
    confirm_after_s: float = Field(ge=0)
    clear_after_s: float = Field(ge=0)
    deadband: float = Field(ge=0)
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = frozenset({Role.CSO, Role.MUNICIPALITY})

    def to_rule(self) -> LimitRule:
        """The rule itself."""
        return LimitRule(
            id=self.id,
            limit=self.limit.to_limit(),
            delays=Delays(self.confirm_after_s, self.clear_after_s),
            deadband=self.deadband,
            severity=self.severity,
            audience=self.audience,
        )


class _WaitingSpec(_Spec):
    """What a rule says that waits for something to come."""

    id: _Id
    after_s: float = Field(gt=0)
    severity: Severity = Severity.WARNING
    audience: frozenset[Role] = frozenset({Role.TECHNICIAN})


class NoDataSpec(_WaitingSpec):
    """A no-data rule as written."""

    kind: Literal["no_data"]

    def to_rule(self) -> NoDataRule:
        """The rule itself."""
        return NoDataRule(id=self.id, after_s=self.after_s, severity=self.severity, audience=self.audience)


class CustodySpec(_WaitingSpec):
    """A custody rule as written."""

    kind: Literal["custody"]

    def to_rule(self) -> CustodyRule:
        """The rule itself."""
        return CustodyRule(id=self.id, after_s=self.after_s, severity=self.severity, audience=self.audience)


AnySpec = LimitSpec | NoDataSpec | CustodySpec
RuleSpec = Annotated[AnySpec, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnySpec] = TypeAdapter(RuleSpec)


class RuleBook(_Spec):
    """A file of rules."""

    rule: tuple[RuleSpec, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> "RuleBook":
        ids = [rule.id for rule in self.rule]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            message = f"two rules are called {doubled[0]}"
            raise ValueError(message)
        return self


def rule_from(spec: object) -> Rule:
    """A rule from the JSON kept in the database.

    Raises:
        pydantic.ValidationError: it is no rule; mended by the operator.
    """
    return _ADAPTER.validate_python(spec).to_rule()

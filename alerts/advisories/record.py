"""What an advisory is: who said what, on which evidence, and what a person may do to it.

`Phase.EXPIRED` is never written down: it is what IN_FORCE has become once its time has run out, so no timer must
run for it. **Expired is not lifted**: nobody has said that it is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from waterquality.flags import Flag, Why
from waterquality.languages import Language
from waterquality.limits import Limit
from waterquality.parameters import Parameter


class AdvisoryKind(StrEnum):
    """What people are told to do."""

    BOIL = "boil"
    DO_NOT_DRINK = "do_not_drink"
    DO_NOT_USE = "do_not_use"


class Cause(StrEnum):
    """What is thought to be wrong with the water."""

    TURBIDITY = "turbidity"
    MICROBES = "microbes"
    PH = "ph"
    EVENT = "event"  # a change that no limit names: its cause is not known
    CHEMICAL = "chemical"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """Where an advisory stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    LIFTED = "lifted"
    WITHDRAWN = "withdrawn"  # a proposal that somebody declined

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done to it."""
        return self in (Phase.LIFTED, Phase.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Authority:
    """A person who may issue advisories.

    Attributes:
        id: short name for commands.
        name: of the person.
        office: in whose name they speak.
        contact: how people reach the office; "" where nobody said.
    """

    id: str
    name: str
    office: str
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading that is evidence: its value in the parameter's unit, and how far it can be trusted."""

    taken_at: datetime
    value: float | None
    flag: Flag
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An episode of an alert that speaks for an advisory.

    Attributes:
        cause: what it says of the water.
        rule: id of the rule.
        episode: number of the episode.
        parameter: what was measured; None for an event of several.
        limit: what was broken, with its authority; None where no limit names it.
        peak: the value farthest beyond the limit, in the parameter's unit.
        breached_at: when the first breach was taken.
        seen_at: when the newest breach was taken.
        readings: some of the readings behind it, oldest first.
        reason: one English clause for the record.
    """

    cause: Cause
    rule: str
    episode: int
    parameter: Parameter | None
    limit: Limit | None
    peak: float | None
    breached_at: datetime
    seen_at: datetime
    readings: tuple[Seen, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an authority wants people to do.

    Attributes:
        kind: what.
        expires_at: until when, unless it is renewed.
        own_text: the authority's own wording, by language.
    """

    kind: AdvisoryKind
    expires_at: datetime
    own_text: Mapping[Language, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Put a proposal in force."""

    by: Authority
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Change what people are told, or renew it."""

    by: Authority
    order: Order
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Say that it is over; `override` is the reason for doing so without the demanded samples, "" with them."""

    by: Authority
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Decline a proposal."""

    by: Authority
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """The second person's word for what the first has signed."""

    by: Authority


Signed = Issue | Change | Lift
Act = Signed | Withdraw | Confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """An advisory at one water point.

    Attributes:
        water_point: where.
        phase: as written down; ask `phase_at`.
        cause: what whoever proposed it thought was wrong.
        proposed_at: when it was proposed.
        proposer: who; "" for the system itself.
        reason: why, in one clause.
        evidence: the episodes that speak for it.
        order: what people are told; None before it was issued.
        issued_by: who gave the newest order.
        confirmed_by: the second person behind what was done last; None where one is enough.
        issued_at: since when it is in force.
        changed_at: when the newest order was given.
        pending: what one person has signed and a second must confirm.
        ended_at: when it was lifted or withdrawn.
    """

    water_point: str
    phase: Phase = Phase.PROPOSED
    cause: Cause
    proposed_at: datetime
    proposer: str = ""
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    order: Order | None = None
    issued_by: Authority | None = None
    confirmed_by: Authority | None = None
    issued_at: datetime | None = None
    changed_at: datetime | None = None
    pending: Signed | None = None
    ended_at: datetime | None = None

    def phase_at(self, now: datetime) -> Phase:
        """Where it stands: what has run out is expired, and that is not lifted."""
        if self.phase is Phase.IN_FORCE and self.order is not None and now >= self.order.expires_at:
            return Phase.EXPIRED
        return self.phase

    @property
    def causes(self) -> frozenset[Cause]:
        """All that is thought to be wrong."""
        return frozenset({self.cause, *(each.cause for each in self.evidence)})

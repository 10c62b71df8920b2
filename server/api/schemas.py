"""What the API answers with. Values are in the unit named beside them, instants are UTC in ISO 8601."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.lifecycle import Phase
from alerts.ports import Fate, Kind, Lane
from alerts.rules import Role
from server.web.words import PointState, Trend
from waterquality.flags import Flag, Why
from waterquality.languages import Language
from waterquality.parameters import Parameter

Names = Annotated[dict[str, str], Field(description="By language: ka, az, hy, ru, en.")]
FlagCode = Annotated[Flag, Field(description="QARTOD: 1 good, 2 unknown, 3 suspect, 4 fail, 9 missing.")]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class LimitOut(_Out):
    """A limit in force; `is_verified` says whether a named person has confirmed the number."""

    parameter: Parameter
    low: float | None
    high: float | None
    authority: str
    source: str
    is_verified: bool


class ReadingOut(_Out):
    """The newest reading of a parameter; a stale one does not stand for the water of now."""

    parameter: Parameter
    unit: str
    taken_at: datetime | None
    value: float | None
    flag: FlagCode
    why: Why
    is_stale: bool
    limit: LimitOut | None
    trend: Trend | None


class MunicipalityOut(_Out):
    """A municipality."""

    id: str
    names: Names


class WaterPointOut(_Out):
    """A water point and how it stands. Coordinates in degrees (WGS 84)."""

    id: str
    names: Names
    municipality: MunicipalityOut
    lat: float
    lon: float
    state: PointState
    heard_at: datetime | None
    readings: list[ReadingOut]


class WaterPointsOut(_Out):
    """Water points, most urgent first; `has_values` is false while the store cannot be asked."""

    has_values: bool
    water_points: list[WaterPointOut]


class StayOut(_Out):
    """A device that serves or served a water point."""

    device: str
    is_online: bool | None
    heard_at: datetime | None
    since: datetime
    until: datetime | None


class ToldOut(_Out):
    """A text and its true fate. The telephone number is never given."""

    kind: Kind
    role: Role | None
    language: Language
    fate: Fate
    at: datetime


class AlertOut(_Out):
    """One episode of an alert. `value` is the farthest while it is open, else the one that raised it."""

    rule: str
    water_point: str
    lane: Lane
    episode: int
    phase: Phase
    since: datetime
    began_at: datetime | None
    value: float | None
    limit: LimitOut | None
    told: list[ToldOut]


class AlertsOut(_Out):
    """Alerts about now, most urgent first; those found in late data and those lifted, newest first."""

    under_way: list[AlertOut]
    late: list[AlertOut]
    lifted: list[AlertOut]


class WaterPointDetailOut(WaterPointOut):
    """A water point with its devices and alerts."""

    has_values: bool
    devices: list[StayOut]
    alerts: AlertsOut


class ChartOut(_Out):
    """A parameter over time, at most one entry for each pixel, oldest first; the lists run in step.

    Only usable readings enter `low`, `mean` and `high`; `flag` is the worst of all.
    """

    water_point: str
    parameter: Parameter
    unit: str
    since: datetime
    until: datetime
    limit: LimitOut | None
    at_ms: list[int]
    low: list[float | None]
    mean: list[float | None]
    high: list[float | None]
    flag: list[FlagCode]
    count: list[int]


class _FatesOut(_Out):
    """What became of the sequence numbers that a device gave out, in counts.

    `appended` is the sum of all the others while `adds_up` is true.
    """

    device: str
    epoch: str
    appended: int
    stored: int
    noted: int
    quarantined: int
    gaps: int
    missing: int
    in_outbox: int
    unaccounted: int
    adds_up: bool


class CompletenessOut(_FatesOut):
    """What became of every sequence number of one (device, epoch), in counts.

    `appended` is the sum of all the others while `adds_up` is true.
    """

    through: int
    held: int
    updated_at: datetime


class CompletenessListOut(_Out):
    """The completeness ledger."""

    devices: list[CompletenessOut]


class DayCompletenessOut(_FatesOut):
    """What became of the sequence numbers that a device gave out on one day in Tbilisi, in counts.

    The day of what came is that of its time. The day of what never came is estimated from its neighbours in the
    sequence; it is null where no time is known at all.
    """

    day: date | None


class DayCompletenessListOut(_Out):
    """The completeness ledger of one device by day, oldest first within an epoch."""

    days: list[DayCompletenessOut]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str | None = None

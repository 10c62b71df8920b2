"""The tables: registry, ledger, custody, quarantine. SQLite by default, PostgreSQL by URL.

Each fact has one home. Instants are whole milliseconds since 1970 UTC (`*_ms`, BIGINT), so that both databases
keep, compare and index them alike. Names in several languages are JSON objects keyed by language.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# SQLite numbers rows by itself only in an INTEGER primary key.
_RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - SQLAlchemy's own form


# ---- registry ---------------------------------------------------------------------------------------------


class Municipality(Base):
    """A municipality of the region."""

    __tablename__ = "municipality"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    names: Mapped[dict[str, Any]]


class WaterPoint(Base):
    """The tap, spring or reservoir outlet people draw from."""

    __tablename__ = "water_point"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    municipality_id: Mapped[str] = mapped_column(ForeignKey("municipality.id"))
    names: Mapped[dict[str, Any]]
    sms_names: Mapped[dict[str, Any]]
    lat: Mapped[float]
    lon: Mapped[float]
    supply: Mapped[str] = mapped_column(String(400), server_default="")  # see alerts.supply; "" while unknown


class Device(Base):
    """One Raspberry Pi with its probes."""

    __tablename__ = "device"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    registered_ms: Mapped[int] = mapped_column(BigInteger)
    is_online: Mapped[bool | None] = mapped_column(Boolean)
    status_ms: Mapped[int | None] = mapped_column(BigInteger)
    health: Mapped[dict[str, Any] | None]
    health_ms: Mapped[int | None] = mapped_column(BigInteger)


class Deployment(Base):
    """Device D served water point W from t1 to t2; open-ended while `until_ms` is null."""

    __tablename__ = "deployment"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"), index=True)
    since_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int | None] = mapped_column(BigInteger)


class DeviceCertificate(Base):
    """A certificate that a device was given, and whether it was taken back."""

    __tablename__ = "device_certificate"
    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    issued_ms: Mapped[int] = mapped_column(BigInteger)
    not_before_ms: Mapped[int] = mapped_column(BigInteger)
    not_after_ms: Mapped[int] = mapped_column(BigInteger)
    revoked_ms: Mapped[int | None] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(200), default="")


class Probe(Base):
    """Which model of probe a device carries for a parameter."""

    __tablename__ = "probe"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(20), primary_key=True)
    model: Mapped[str] = mapped_column(String(60))


class RuleRow(Base):
    """A rule; `spec` is the JSON of its tagged union."""

    __tablename__ = "rule"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    spec: Mapped[dict[str, Any]]


# ---- ledger -----------------------------------------------------------------------------------------------


class AlertRow(Base):
    """One alert (rule, water point, lane): where it stands now."""

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(60))
    water_point_id: Mapped[str] = mapped_column(String(60), index=True)
    lane: Mapped[str] = mapped_column(String(8))
    phase: Mapped[str] = mapped_column(String(12), index=True)
    since_ms: Mapped[int] = mapped_column(BigInteger)
    judged_ms: Mapped[int] = mapped_column(BigInteger)
    breached_ms: Mapped[int | None] = mapped_column(BigInteger)
    peak: Mapped[float | None] = mapped_column(Float)
    last_breach_ms: Mapped[int | None] = mapped_column(BigInteger)
    beyond: Mapped[float] = mapped_column(Float)
    episode: Mapped[int] = mapped_column(Integer)
    told: Mapped[bool] = mapped_column(Boolean)
    # What severity has come to in the episode, since when each step is broken (ms), and how it came back.
    level: Mapped[int] = mapped_column(Integer, server_default="0")
    rising: Mapped[list[Any] | None]
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)
    reopened: Mapped[int] = mapped_column(Integer, server_default="0")
    blinded_ms: Mapped[int | None] = mapped_column(BigInteger)
    step: Mapped[int] = mapped_column(Integer, server_default="0")
    __table_args__ = (UniqueConstraint("rule_id", "water_point_id", "lane"),)


class TransitionRow(Base):
    """A change of phase of one alert."""

    __tablename__ = "transition"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(60))
    water_point_id: Mapped[str] = mapped_column(String(60))
    lane: Mapped[str] = mapped_column(String(8))
    episode: Mapped[int] = mapped_column(Integer)
    before: Mapped[str] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    value: Mapped[float | None] = mapped_column(Float)
    reason: Mapped[str] = mapped_column(String(200))
    turn: Mapped[str] = mapped_column(String(10), server_default="")
    level: Mapped[int] = mapped_column(Integer, server_default="1")
    __table_args__ = (Index("ix_transition_alert", "water_point_id", "rule_id", "at_ms"),)


class NotificationRow(Base):
    """A text owed to a person, and its fate."""

    __tablename__ = "notification"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(60))
    water_point_id: Mapped[str] = mapped_column(String(60), index=True)
    lane: Mapped[str] = mapped_column(String(8))
    episode: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer, server_default="1")
    kind: Mapped[str] = mapped_column(String(30))
    person_id: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    text: Mapped[str] = mapped_column(Text)
    breached_ms: Mapped[int] = mapped_column(BigInteger)
    owed_ms: Mapped[int] = mapped_column(BigInteger)
    fate: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_ms: Mapped[int | None] = mapped_column(BigInteger)
    handed_ms: Mapped[int | None] = mapped_column(BigInteger)
    settled_ms: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[str] = mapped_column(String(200), default="")
    held: Mapped[str] = mapped_column(String(120), default="", server_default="")
    ends_with_acknowledgement: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    is_urgent: Mapped[bool] = mapped_column(Boolean, server_default=false())
    __table_args__ = (
        Index("ix_notification_due", "due_ms"),
        # One text per person and turn of an episode, whatever is judged twice.
        UniqueConstraint("rule_id", "water_point_id", "lane", "episode", "kind", "person_id", "step"),
    )


class AcknowledgementRow(Base):
    """That somebody has taken on an episode; it is kept when the episode ends. The first counts."""

    __tablename__ = "acknowledgement"
    rule_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    water_point_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    lane: Mapped[str] = mapped_column(String(8), primary_key=True)
    episode: Mapped[int] = mapped_column(Integer, primary_key=True)
    level: Mapped[int] = mapped_column(Integer)
    by: Mapped[str] = mapped_column(String(60))
    at_ms: Mapped[int] = mapped_column(BigInteger)


class SilenceRow(Base):
    """No new texts about something for a while; "" means every water point, municipality or rule."""

    __tablename__ = "silence"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    water_point_id: Mapped[str] = mapped_column(String(60))
    municipality_id: Mapped[str] = mapped_column(String(40))
    rule_id: Mapped[str] = mapped_column(String(60))
    since_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    by: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(120))


class PhoneMessage(Base):
    """A text on the on-screen phone of the demo."""

    __tablename__ = "phone_message"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    reference: Mapped[str] = mapped_column(String(80), unique=True)
    address: Mapped[str] = mapped_column(String(20), index=True)
    body: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(BigInteger)


# ---- custody ----------------------------------------------------------------------------------------------


class CustodyRow(Base):
    """What became of every sequence number of one (device, epoch), as JSON lists of [first, last]."""

    __tablename__ = "custody"
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    stored: Mapped[list[Any]]
    quarantined: Mapped[list[Any]]
    gaps: Mapped[list[Any]]
    missing: Mapped[list[Any]]
    noted: Mapped[list[Any]]
    held: Mapped[int] = mapped_column(BigInteger)
    updated_ms: Mapped[int] = mapped_column(BigInteger)
    # What the sets say, in numbers that can be asked for without reading the sets.
    through: Mapped[int] = mapped_column(BigInteger, default=0)
    head: Mapped[int] = mapped_column(BigInteger, default=0)
    awaited_ms: Mapped[int | None] = mapped_column(BigInteger)
    missing_ms: Mapped[int | None] = mapped_column(BigInteger)
    conflict_ms: Mapped[int | None] = mapped_column(BigInteger)


class CustodyCheckRow(Base):
    """What a look into the store found of one (device, epoch), on its way into the books; see `reconciling`."""

    __tablename__ = "custody_check"
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    found: Mapped[list[Any]]
    lost: Mapped[list[Any]]


class CustodyDayRow(Base):
    """The first and the last number of one (device, epoch) that are known to be of a day; see `days`."""

    __tablename__ = "custody_day"
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_seq: Mapped[int] = mapped_column(BigInteger)
    first_ms: Mapped[int] = mapped_column(BigInteger)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    last_ms: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_custody_day_day", "day"),)


class JudgedRow(Base):
    """Which sequence numbers the watch has judged; written with what it judged."""

    __tablename__ = "judged"
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    judged: Mapped[list[Any]]


class DetectorRow(Base):
    """What the event detector of a (water point, device) knows; written with what it has judged."""

    __tablename__ = "detector"
    water_point_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    saved: Mapped[bytes] = mapped_column(LargeBinary)


class RecordRow(Base):
    """A certificate or note that a device sent."""

    __tablename__ = "device_record"
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    taken_ms: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(30))
    body: Mapped[str] = mapped_column(Text)


class QuarantineRow(Base):
    """Something that arrived and could not be taken in, with its bytes."""

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(16), index=True)
    epoch: Mapped[str] = mapped_column(String(8))
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    topic: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(30), index=True)
    detail: Mapped[str] = mapped_column(String(300))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_bytes: Mapped[int] = mapped_column(Integer)
    received_ms: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(Integer, default=1)
    replay_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)

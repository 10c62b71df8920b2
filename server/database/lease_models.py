"""Who takes in what: the ingest workers, the shards that they lease, and what they must know of one another."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class IngestWorkerRow(Base):
    """An ingest worker that takes part; it counts until `until_ms` of the database's clock.

    `session` is the name of its sessions with the database.
    """

    __tablename__ = "ingest_worker"
    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    session: Mapped[str] = mapped_column(String(63))
    joined_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger)


class ShardLeaseRow(Base):
    """Who holds a shard, until when, and for the how-manieth time it was taken.

    `listening_ms` is since when the holder has listened to it without a break, by the server's clock.
    """

    __tablename__ = "shard_lease"
    shard: Mapped[str] = mapped_column(String(1), primary_key=True)
    worker: Mapped[str] = mapped_column(String(160))
    generation: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger)
    listening_ms: Mapped[int | None] = mapped_column(BigInteger)


class HeardRow(Base):
    """When a water point was last heard from that devices of several workers serve."""

    __tablename__ = "water_point_heard"
    water_point_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)


class SoleRow(Base):
    """Who alone does a task now, until when by the database's clock."""

    __tablename__ = "sole"
    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    holder: Mapped[str] = mapped_column(String(160))
    until_ms: Mapped[int] = mapped_column(BigInteger)

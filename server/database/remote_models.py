"""What devices are told from afar, by whom, and what became of it."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class DeviceConfigRow(Base):
    """A configuration that a device should run; the newest version of a device is the desired one."""

    __tablename__ = "device_config"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    who: Mapped[str] = mapped_column(String(120))
    made_ms: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    answered_ms: Mapped[int | None] = mapped_column(BigInteger)


class DeviceRunning(Base):
    """What a device says that it runs; version 0 is a file of its own."""

    __tablename__ = "device_running"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    told_ms: Mapped[int] = mapped_column(BigInteger)


class DeviceCommandRow(Base):
    """A command that was asked of a device, and its reply."""

    __tablename__ = "device_command"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    name: Mapped[str] = mapped_column(String(31))
    arguments: Mapped[dict[str, Any]]
    who: Mapped[str] = mapped_column(String(120))
    asked_ms: Mapped[int] = mapped_column(BigInteger)
    expires_ms: Mapped[int] = mapped_column(BigInteger)
    reply: Mapped[dict[str, Any] | None]
    replied_ms: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_device_command_owed", "replied_ms", "expires_ms"),)


class SoftwareRelease(Base):
    """A signed version of the software, as it is offered to devices."""

    __tablename__ = "software_release"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(40))
    offer: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(120))
    made_ms: Mapped[int] = mapped_column(BigInteger)


class DeviceUpdate(Base):
    """Which release a device should run, and how far it has come."""

    __tablename__ = "device_update"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    release: Mapped[str] = mapped_column(ForeignKey("software_release.sha256"))
    who: Mapped[str] = mapped_column(String(120))
    asked_ms: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    running: Mapped[str] = mapped_column(String(40), default="")
    told_ms: Mapped[int | None] = mapped_column(BigInteger)

"""The office where devices get their papers: registered, given a certificate, replaced, taken back.

Invariants: the database is the record and what is in the safe follows it; a revocation is booked before the list
is written, and the list is always written whole from the record, so saying it again mends what a power cut left
half done. Every act is logged with who did it.
"""

import getpass
import os
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from firmware_config.datasheet import load
from firmware_config.refusal import did_you_mean
from server.authority import records
from server.authority.records import Listed
from server.authority.safe import Credentials, Safe
from server.authority.signing import Issued, Revoked, issue_to_broker, issue_to_device, revocation_list
from server.database.engine import Database
from server.registry.writing import add_device, check_device_id, deploy, set_probes
from server.settings import Authority
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_log = structlog.get_logger()
_LONGEST_WHY = 200


class Office:
    """Gives devices their papers.

    Args:
        settings: of the authority.
        database: registry and record.
    """

    def __init__(self, settings: Authority, database: Database) -> None:
        passphrase = settings.passphrase.get_secret_value() if settings.passphrase else ""
        self.safe = Safe(settings.folder, passphrase)
        self._settings, self._database = settings, database

    def create(self, device: str, *, water_point: str | None, models: Sequence[str], now: datetime) -> Issued:
        """Register a device at a water point and give it a certificate.

        A device that is registered already, by a registry file, gets its first certificate.

        Args:
            device: its id.
            water_point: where it stands; None leaves a registered device where it is.
            models: of its probes; none leaves what is registered.
            now: the time.

        Raises:
            ConfigError: it has a certificate already, or something named is nowhere known; nothing was changed;
                mended by the operator.
        """
        probes = probes_of(models)
        check_device_id(device)
        self.open(now)
        with self._database.writing() as connection:
            known = {each.device: each for each in records.devices(connection)}.get(device)
            place = _place(connection, device, water_point, known)
            if known is None:
                add_device(connection, device, probes, to_ms(now))
            elif probes:
                set_probes(connection, device, probes)
            deploy(connection, device, place, to_ms(now))
            issued = self._issue(connection, device, now)
        _log.info("device_created", device=device, water_point=place, serial=issued.serial, by=_who())
        return issued

    def replace(self, device: str, *, why: str, now: datetime) -> Issued:
        """Take back what a device had and give it a new certificate; where it stands goes on.

        Raises:
            ConfigError: there is no such device; nothing was changed; mended by the operator.
        """
        _check_why(why)
        self.open(now)
        with self._database.writing() as connection:
            _known(connection, device)
            taken = records.note_revoked(connection, device, now, why)
            issued = self._issue(connection, device, now)
        self.write_revocations(now)
        _log.info("device_replaced", device=device, revoked=taken, serial=issued.serial, why=why, by=_who())
        return issued

    def revoke(self, device: str, *, why: str, now: datetime) -> int:
        """Take back every certificate of a device; returns how many were still standing.

        Raises:
            ConfigError: there is no such device or authority; nothing was changed; mended by the operator.
        """
        _check_why(why)
        self.safe.signer()
        with self._database.writing() as connection:
            _known(connection, device)
            taken = records.note_revoked(connection, device, now, why)
        self.write_revocations(now)
        _log.info("device_revoked", device=device, revoked=taken, why=why, by=_who())
        return taken

    def devices(self) -> list[Listed]:
        """All devices, by id."""
        with self._database.reading() as connection:
            return records.devices(connection)

    def of(self, device: str) -> Listed:
        """One device.

        Raises:
            ConfigError: there is no such device; mended by the operator.
        """
        with self._database.reading() as connection:
            return _known(connection, device)

    def papers(self, device: str, now: datetime) -> Credentials:
        """What goes onto a device's card.

        Raises:
            ConfigError: it has no certificate in force; mended by the operator.
        """
        certificate = self.of(device).certificate
        if certificate is None:
            raise ConfigError(f"{device} has no certificate yet: tskaro device create {device}")
        if not certificate.is_in_force(to_ms(now)):
            state = "has expired" if certificate.revoked_ms is None else "was revoked"
            raise ConfigError(f"the certificate of {device} {state}: tskaro device replace {device}")
        return self.safe.credentials(device, certificate.serial)

    def set_probes(self, device: str, models: Sequence[str]) -> None:
        """Let the registry know what a device carries."""
        with self._database.writing() as connection:
            set_probes(connection, device, probes_of(models))

    def issue_to_broker(self, names: Sequence[str], now: datetime) -> Issued:
        """A certificate for the broker, which devices know it by."""
        self.open(now)
        issued = issue_to_broker(self.safe.signer(), names, now, _days(self._settings.broker_days))
        _log.info("broker_certificate_issued", names=list(names), serial=issued.serial, by=_who())
        return issued

    def open(self, now: datetime) -> None:
        """Make the authority unless there is one."""
        if not self.safe.exists():
            self.safe.make(now, _days(self._settings.own_days))
            _log.info("authority_made", folder=str(self.safe.folder), by=_who())
        if not self.safe.revocations.exists():
            self.write_revocations(now)

    def revoked(self) -> list[Revoked]:
        """Everything that was taken back, oldest first."""
        with self._database.reading() as connection:
            return records.all_revoked(connection)

    def write_revocations(self, now: datetime) -> None:
        """Write the revocation list anew, from the record."""
        self.safe.write_revocations(revocation_list(self.safe.signer(), self.revoked(), now))

    def _issue(self, connection: Connection, device: str, now: datetime) -> Issued:
        issued = issue_to_device(self.safe.signer(), device, now, _days(self._settings.device_days))
        self.safe.put(issued)
        records.note_issued(connection, issued, now)
        return issued


def probes_of(models: Sequence[str]) -> dict[Parameter, str]:
    """Models by the parameter that they measure.

    Raises:
        ConfigError: there is no such model, or two measure the same; mended by the operator.
    """
    probes: dict[Parameter, str] = {}
    for model in models:
        parameter = load(model).parameter
        if parameter in probes:
            raise ConfigError(f"{parameter} is measured by {probes[parameter]} and {model}: one of them only")
        probes[parameter] = model
    return probes


def _place(connection: Connection, device: str, water_point: str | None, known: Listed | None) -> str:
    """Where a device is to stand; refuses one that has its papers, and a place that is nowhere known."""
    if known is not None and known.certificate is not None:
        at = f"at {known.water_point}" if known.water_point else "and stands nowhere"
        how = f"`tskaro device card {device}` makes its card, `tskaro device replace {device}` a new certificate"
        raise ConfigError(f"{device} exists already, {at}; nothing was changed. {how}")
    place = water_point or (known.water_point if known else None)
    if place is None:
        raise ConfigError(f"{device}: where does it stand? Say --water-point ID")
    points = records.water_points(connection)
    if place not in points:
        how = "" if points else "; there is none yet: tskaro registry load FILE"
        raise ConfigError(f"there is no water point `{place}`{did_you_mean(place, points)}{how}")
    return place


def _known(connection: Connection, device: str) -> Listed:
    every = {each.device: each for each in records.devices(connection)}
    if device not in every:
        raise ConfigError(
            f"there is no device `{device}`{did_you_mean(device, every)}: see `tskaro device list`"
        )
    return every[device]


def _check_why(why: str) -> None:
    if not 0 < len(why) <= _LONGEST_WHY:
        raise ConfigError(f"--why: say it in 1 to {_LONGEST_WHY} letters; it is kept")


def _days(days: int) -> timedelta:
    return timedelta(days=days)


def _who() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as containers have them
        return str(os.getuid())

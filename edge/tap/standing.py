"""`tskaro-edge status`: how the device stands, in one look."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from edge.clock import Instant
from edge.outbox import Depth, look_into
from edge.settings import EdgeSettings
from edge.tap.watching import age
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.device import DeviceConfig
from firmware_config.words import PARAMETERS
from waterquality.errors import CustodyError
from waterquality.readings import from_ms

_BUDGET = "bytes_this_month"
_CONFIG_VERSION = "config_version"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device stands.

    Attributes:
        config: what is wired, with the certificates in force.
        now: the time.
        epoch: of the outbox.
        depth: of the outbox.
        agent: what the running agent says of itself; None where none runs.
    """

    config: DeviceConfig
    now: Instant
    epoch: str
    depth: Depth
    agent: dict[str, Any] | None


def standing(
    settings: EdgeSettings, config: DeviceConfig, now: Instant, agent: dict[str, Any] | None
) -> Standing:
    """Look at everything.

    Raises:
        CustodyError: there is no outbox to look into; mended by starting the agent.
    """
    try:
        return Standing(config, now, *look_into(settings.outbox.path), agent)
    except (sqlite3.DatabaseError, KeyError) as error:
        path = settings.outbox.path
        what = said("%(path)s: no outbox to look into (%(why)s)", path=path, why=error)
        raise CustodyError(said("%(what)s; has the agent been started?", what=what)) from error


def software() -> str:
    """The version that is installed here."""
    try:
        return version("tskaro")
    except PackageNotFoundError:
        return "0"


def rows(stands: Standing) -> Iterator[tuple[str | Phrase, str | Phrase]]:
    """Names and values for a person."""
    depth, now = stands.depth, stands.now
    yield msgid("device"), stands.config.device
    yield msgid("version"), software()
    yield msgid("agent"), _agent(stands.agent)
    yield msgid("clock"), _clock(now)
    yield msgid("epoch"), stands.epoch
    yield msgid("recorded"), str(depth.head)
    yield msgid("waiting for a receipt"), str(depth.records)
    yield msgid("dropped (in gaps)"), str(depth.in_gaps)
    yield msgid("oldest waiting"), _moment(depth.oldest_ms, now)
    yield msgid("last receipt"), _moment(depth.receipt_ms, now)
    if stands.agent and _BUDGET in stands.agent:
        yield msgid("sent this month"), _sent(stands.agent)
    if stands.agent and _CONFIG_VERSION in stands.agent:
        yield msgid("configuration"), str(stands.agent[_CONFIG_VERSION])
    for probe in stands.config.probes:
        if probe.calibration is not None:
            name = said("calibration, %(what)s", what=Phrase(PARAMETERS[probe.parameter]))
            yield name, _calibration(probe.calibration.id, probe.calibration.expires_on.isoformat(), now.wall)


def _agent(agent: dict[str, Any] | None) -> Phrase:
    if agent is None:
        return said("not running")
    return said("running, connected") if agent.get("connected") else said("running, no connection")


def _sent(agent: dict[str, Any]) -> Phrase:
    """What the SIM has carried → what the month will come to / what it may carry; in megabytes."""
    forecast, cap = agent.get("forecast_bytes"), agent.get("cap_bytes")
    parts = [f"{agent[_BUDGET] / 1e6:.2f}"]
    parts += [f"→ {forecast / 1e6:.2f}"] if forecast is not None else []
    parts += [f"/ {cap / 1e6:.0f}"] if cap is not None else []
    return said("%(megabytes)s MB", megabytes=" ".join(parts))


def _clock(now: Instant) -> Phrase:
    time = f"{now.wall:%Y-%m-%d %H:%M:%S} UTC"
    if now.is_synchronised:
        return said("%(time)s, right", time=time)
    return said("%(time)s, not set from the network yet", time=time)


def _moment(at_ms: int | None, now: Instant) -> str | Phrase:
    if at_ms is None:
        return "–"
    time = f"{from_ms(at_ms):%Y-%m-%d %H:%M:%S} UTC"
    return said("%(age)s ago, %(time)s", age=age((now.wall_ms - at_ms) / 1000), time=time)


def _calibration(certificate: str, until: str, now: datetime) -> Phrase:
    if until < f"{now:%Y-%m-%d}":
        return said("%(certificate)s, EXPIRED on %(day)s", certificate=certificate, day=until)
    return said("%(certificate)s, until %(day)s", certificate=certificate, day=until)


def as_table(stands: Standing) -> dict[str, Any]:
    """The same for scripts: numbers, and times in milliseconds since 1970, UTC."""
    depth = stands.depth
    certificates = {
        str(probe.parameter): {
            "id": probe.calibration.id,
            "expires_on": probe.calibration.expires_on.isoformat(),
        }
        for probe in stands.config.probes
        if probe.calibration is not None
    }
    return {
        "device": stands.config.device,
        "version": software(),
        "agent": stands.agent,
        "time_ms": stands.now.wall_ms,
        "clock_synchronised": stands.now.is_synchronised,
        "epoch": stands.epoch,
        "recorded": depth.head,
        "waiting": depth.records,
        "in_gaps": depth.in_gaps,
        "oldest_waiting_ms": depth.oldest_ms,
        "last_receipt_ms": depth.receipt_ms,
        "certificates": certificates,
    }

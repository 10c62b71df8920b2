"""The whole examination, in the order in which a person would look: the board, the wires, the way out, the proof.

Everything that it looks at is handed in, so that a test can hand in another place.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.certificates import CertificateFolder, as_calibrated
from edge.clock import Clock, Instant
from edge.desired import Configurations
from edge.doctor import board
from edge.doctor.buses import buses
from edge.doctor.findings import Finding, Severity, well
from edge.doctor.identity import identity
from edge.doctor.login import way_to
from edge.doctor.outbox import outbox
from edge.doctor.probes import calibrations, probes
from edge.knocking import NobodyAnswers, NotLetIn, ask
from edge.live import Frame
from edge.settings import EdgeSettings
from edge.uplink import Broker
from edge.vitals import read_vitals
from firmware_config.catalogues import said
from firmware_config.device import DeviceConfig
from firmware_config.tls import client_context
from waterquality.errors import ConfigError, RejectedError


@dataclass(frozen=True, slots=True)
class Places:
    """Where the machine shows itself.

    Attributes:
        sys: sysfs.
        dev: device nodes.
    """

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined.

    Attributes:
        settings: where things run.
        clock: of the device.
        places: where the machine shows itself.
    """

    settings: EdgeSettings
    clock: Clock
    places: Places = field(default_factory=Places)


def wiring(patient: Patient) -> tuple[DeviceConfig | None, list[Finding]]:
    """What is wired, with the certificates in force; None where it cannot be used, with the reasons."""
    try:
        settings = patient.settings
        wired = Configurations(settings.remote.folder / "config", settings.device_config).in_force()[1]
        config = as_calibrated(wired, CertificateFolder(settings.certificates))
    except ConfigError as error:
        mend = said("Mend the file as it says, and run: tskaro-edge check")
        return None, [Finding("wiring", Severity.BROKEN, said("%(why)s", why=error), mend)]
    words = said("%(device)s: probes configured: %(count)d.", device=config.device, count=len(config.probes))
    return config, [well("wiring", words)]


def machine(patient: Patient, agent: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """The board, and the time as the agent knows it where it runs."""
    path = patient.settings.outbox.path
    vitals = read_vitals(path.parent, sys=patient.places.sys, asks_firmware=True)
    if board.is_raspberry_pi(patient.places.sys):
        yield board.power(vitals)
        yield board.heat(vitals)
    yield from board.disk(vitals, path)
    yield board.clock(as_agent_knows(patient.clock.read(), agent))


def as_agent_knows(now: Instant, agent: Mapping[str, Any] | None) -> Instant:
    """The time by the running agent, which may have it from the server where no network set the clock.

    Args:
        now: by the clock of this machine.
        agent: what the agent says of itself; None where none runs.
    """
    if not agent or not agent.get("synchronised"):
        return now
    return replace(now, wall_ms=agent["time_ms"], is_synchronised=True)


def wires(patient: Patient, config: DeviceConfig, frame: Frame | None) -> Iterator[Finding]:
    """Buses, probes and their calibrations."""
    yield from buses(config, dev=patient.places.dev)
    yield from probes(config, frame)
    yield from calibrations(config, patient.clock.read().wall.date())


def agent_state(patient: Patient) -> tuple[dict[str, Any] | None, Finding]:
    """What the running agent says of itself; None where none answers."""
    door = patient.settings.door.path
    try:
        state = ask(door, "state")
    except NobodyAnswers:
        return None, Finding(
            "agent",
            Severity.UNSEEN,
            said("No agent is running."),
            said("sudo systemctl start tskaro-edge; if it ends again: journalctl -u tskaro-edge -n 50"),
        )
    except NotLetIn as error:
        mend = said("Run the doctor as the agent's user: sudo -u tskaro tskaro-edge doctor")
        return None, Finding("agent", Severity.UNSEEN, said("%(why)s", why=error), mend)
    except RejectedError as error:
        return {}, Finding("agent", Severity.LOOK, said("%(why)s", why=error))
    return state, well(
        "agent", said("The agent is running, version %(version)s.", version=state.get("version", "?"))
    )


def way_out(patient: Patient, device: str, state: dict[str, Any] | None) -> Iterator[Finding]:
    """The device's certificate, and the way to the broker: the agent's own where it runs and is connected."""
    mqtt, now = patient.settings.mqtt, patient.clock.read().wall
    yield from identity(mqtt.tls, now)
    if state is not None and state.get("connected"):
        words = said("The agent is connected to %(host)s.", host=mqtt.host)
        yield well("broker", words)
        return
    tls = None
    if mqtt.tls is not None:
        with suppress(ConfigError):  # said above
            tls = client_context(mqtt.tls.ca, mqtt.tls.certificate, mqtt.tls.key)
        if tls is None:
            return
    password = mqtt.password.get_secret_value() if mqtt.password else ""
    yield from way_to(
        Broker(mqtt.host, mqtt.port, username=mqtt.username, password=password, tls=tls), device
    )


def kept(patient: Patient) -> Finding:
    """How much waits."""
    return outbox(patient.settings.outbox.path, patient.clock.read().wall_ms)

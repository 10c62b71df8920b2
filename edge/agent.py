"""The agent: sampler, uplink and heartbeat on threads of their own. The edge's composition root.

The sampler never waits for the network, the uplink never waits for a probe, and neither knows of the other but
for the outbox between them.
"""

import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sdnotify
import structlog

from edge.batching import Batching
from edge.budget import Budget
from edge.burst import Bursting
from edge.certificates import CertificateFolder, as_calibrated
from edge.certifying import Certifier
from edge.clock import Clock, Instant, SystemClock
from edge.economy import Economy, economy_of
from edge.hardware.light import open_lamp
from edge.hardware.pi import PiHardware
from edge.heartbeat import Heartbeat
from edge.lanes import SendingPolicy
from edge.light import Lamp, Light, Sign, sign_of
from edge.log_tail import LogTail
from edge.outbox import Outbox, OutboxFull, open_outbox
from edge.probes.build import Hardware, build_probes, ticks_of
from edge.probes.port import Probe
from edge.remote import Remote, RemoteParts
from edge.reporting import Reporting, reporting_of
from edge.sampler import Sampler
from edge.schedule import Every, Schedule
from edge.selfcheck import SelfChecks, checks_of
from edge.settings import Deflate, EdgeSettings, LogFormat, Mqtt
from edge.uplink import Broker, Uplink
from edge.vitals import read_vitals
from firmware_config.device import DeviceConfig, load_device_config
from firmware_config.logs import set_up_logs
from firmware_config.tls import client_context
from waterquality.errors import CustodyError
from waterquality.wire.messages import Health, encode_health
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
MakeHardware = Callable[[DeviceConfig], Hardware]
_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
_MACHINE_ID = Path("/etc/machine-id")
_STOP_WITHIN_S = 10.0
_FULL_RATE_S = 1.0  # of a burst
_STALE_TICKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """What an agent is made of.

    Attributes:
        device: id of the device.
        probes: asked at each tick.
        outbox: what is recorded and not yet receipted.
        broker: where to send it.
        clock: the device's clock.
        schedule: when the probes are asked.
        observations: when an observation is due; None: at every tick of the schedule.
        checks: makes what the device doubts of its own readings; is told how to ask whether it is being serviced.
        policy: how the uplink sends.
        lamp: the light at the tap; None where there is none.
        certifier: keeps the probes to the certificates in force; None where nobody calibrates.
        stale_s: age in seconds from which readings say nothing to whoever looks at the light.
        vitals: what the board knows of itself, told with each heartbeat.
        batching: what is sent together, and compressed.
        reporting: makes what decides which samples become observations; is told how to ask for a burst.
        economy: what travels of a reading.
        budget: what the SIM has carried; None where nobody counts.
        heartbeat_every_s: seconds from one health message to the next.
        remote: what can be asked of it, beyond what every agent knows.
        beaten: called after each heartbeat.
        let_go: called last of all, to close the hardware.
    """

    device: str
    probes: Sequence[Probe]
    outbox: Outbox
    broker: Broker
    clock: Clock
    schedule: Schedule
    observations: Schedule | None = None
    checks: Callable[[Callable[[Instant], bool]], SelfChecks] = lambda _: SelfChecks()
    policy: SendingPolicy = field(default_factory=SendingPolicy)
    certifier: Certifier | None = None
    lamp: Lamp | None = None
    stale_s: float = 180.0
    vitals: Callable[[], Mapping[str, float]] = dict
    batching: Batching = field(default_factory=lambda: Batching(deflate=Deflate.BATCHES))
    reporting: Callable[[Callable[[Instant], bool]], Reporting] = lambda _: Reporting()
    economy: Economy = field(default_factory=Economy)
    budget: Budget | None = None
    heartbeat_every_s: float = 900.0
    remote: RemoteParts = field(default_factory=RemoteParts)
    beaten: Callable[[], None] = lambda: None
    let_go: Callable[[], None] = lambda: None


class Agent:
    """Runs one device."""

    def __init__(self, parts: AgentParts) -> None:
        self._parts = parts
        self.uplink = Uplink(
            parts.broker,
            device=parts.device,
            outbox=parts.outbox,
            policy=parts.policy,
            batching=parts.batching,
            version=software_version(),
            calibration=parts.certifier.message if parts.certifier else lambda: b"",
            carried=self._carried,
        )
        if parts.certifier:
            parts.certifier.changed = self.uplink.say_calibration
        self.light = Light(parts.lamp, self._sign) if parts.lamp else None
        self._wake_sampler = threading.Event()
        self.remote = Remote(
            replace(
                parts.remote,
                identify=self.light.identify if self.light else None,
                read_certificates=parts.certifier.reader(parts.clock) if parts.certifier else None,
            ),
            outbox=parts.outbox,
            clock=parts.clock,
            told=self._known_of_itself,
            woken=self._wake_sampler.set,
        )
        self.sampler = Sampler(
            parts.probes,
            parts.outbox,
            checks=parts.checks(self.remote.service.is_on),
            observations=parts.observations and self._bursting(parts.observations),
            reporting=parts.reporting(self.remote.burst.is_on),
            economy=parts.economy,
            appended=lambda due: self.uplink.nudge(urgent=due.is_urgent),
            board=self.remote.board,
        )
        budget = parts.budget
        self._heartbeat = Heartbeat(
            parts.outbox,
            (self.sampler.counters, self.uplink.counters),
            self._tell,
            beaten=parts.beaten,
            vitals=parts.vitals,
            used_bytes=lambda: None if budget is None else budget.used_bytes,
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the three loops; returns at once."""
        self._note_start()
        parts = self._parts
        if parts.certifier:
            parts.certifier.begin(parts.clock.read())
        schedule = self._bursting(parts.schedule)
        loops: dict[str, Callable[[], None]] = {
            "sampler": lambda: self.sampler.run(parts.clock, schedule, self._stop, wake=self._wake_sampler),
            "uplink": lambda: self.uplink.run(self._stop),
            "heartbeat": lambda: self._heartbeat.run(parts.clock, self._tells_every_s, self._stop),
            **self.remote.loops(self._stop),
        }
        if self.light is not None:
            light = self.light
            loops["light"] = lambda: light.run(parts.clock, self._stop)
        for name, loop in loops.items():
            thread = threading.Thread(target=loop, name=f"{parts.device}-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def is_sampling(self) -> bool:
        """Whether the schedule still has ticks to come."""
        return self._threads[0].is_alive() if self._threads else False

    def stop(self) -> None:
        """Stop the loops, say goodbye to the broker and let go of the outbox."""
        self._stop.set()
        for nudge in (self.uplink.nudge, self._wake_sampler.set, self.remote.nudge):
            nudge()
        for thread in self._threads:
            thread.join(_STOP_WITHIN_S)
        self._parts.outbox.close()
        if self._parts.budget is not None:
            self._parts.budget.close()
        self._parts.let_go()

    def _bursting(self, ordinary: Schedule) -> Schedule:
        return Bursting(ordinary, Every(_FULL_RATE_S), self.remote.burst, self._parts.clock)

    def _known_of_itself(self) -> dict[str, object]:
        return {
            "device": self._parts.device,
            "version": software_version(),
            "connected": self.uplink.is_connected,
            "counters": dict(self.sampler.counters + self.uplink.counters),
        }

    def _sign(self, now: Instant) -> Sign:
        newest = self.remote.board.newest()
        return sign_of(newest, now, is_connected=self.uplink.is_connected, stale_s=self._parts.stale_s)

    def _tell(self, health: Health) -> bool:
        payload = encode_health(health, deflate=self._parts.batching.deflates_health())
        return self.uplink.publish("health", payload)

    def _tells_every_s(self) -> float:
        return self._parts.batching.health_every_s(self._parts.heartbeat_every_s)

    def _carried(self, carried_bytes: int) -> None:
        if self._parts.budget is not None and carried_bytes:
            self._parts.budget.count(carried_bytes, self._parts.clock.read())

    def _note_start(self) -> None:
        outbox, instant = self._parts.outbox, self._parts.clock.read()
        try:
            if instant.is_synchronised:  # before the note, or what waits for its time would come after it
                outbox.synchronise(instant)
            outbox.append_note(instant, NoteKind.STARTED, software_version())
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))


def compose(
    settings: EdgeSettings,
    log_tail: LogTail,
    *,
    make_hardware: MakeHardware = PiHardware,
    clock: Clock | None = None,
) -> Agent:
    """Put the agent of this machine together.

    Args:
        settings: where it runs.
        log_tail: the last lines of its log.
        make_hardware: what its probes hang on.
        clock: None is the clock of this machine.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    wired = load_device_config(settings.device_config)
    folder = CertificateFolder(settings.certificates)
    config = as_calibrated(wired, folder)
    outbox = _outbox(settings, config.device)
    notifier = sdnotify.SystemdNotifier()
    hardware = make_hardware(config)
    lamp = open_lamp(config.light) if config.light else None
    probes = build_probes(config, hardware, volume_m3=outbox.volume_m3)
    budget = Budget(settings.budget.path, settings.budget.cap_bytes)
    return Agent(
        AgentParts(
            device=config.device,
            probes=probes,
            outbox=outbox,
            broker=broker_of(settings.mqtt),
            clock=clock or SystemClock(trusts_always=settings.trusts_clock == "always"),
            schedule=ticks_of(config),
            observations=Every(config.observe_every_s),
            checks=lambda is_serviced: checks_of(config, is_serviced=is_serviced),
            policy=SendingPolicy(
                settings.uplink.batch_records, settings.uplink.window_batches, settings.uplink.repeat_after_s
            ),
            certifier=Certifier(folder, wired, probes, outbox),
            batching=Batching(settings.uplink.batch_every_s, settings.uplink.deflate, thrift=budget.thrift),
            reporting=lambda is_asked: reporting_of(config, thrift=budget.thrift, is_asked=is_asked),
            economy=economy_of(config),
            budget=budget,
            heartbeat_every_s=settings.heartbeat_every_s,
            remote=RemoteParts(
                folder=settings.remote.folder,
                door=settings.door.path,
                door_group=settings.door.group,
                log_tail=log_tail,
            ),
            beaten=lambda: notifier.notify("WATCHDOG=1"),
            lamp=lamp,
            stale_s=_STALE_TICKS * config.observe_every_s,
            vitals=lambda: read_vitals(settings.outbox.path.parent).as_numbers(),
            let_go=hardware.close,
        )
    )


def _outbox(settings: EdgeSettings, device: str) -> Outbox:
    path = settings.outbox.path
    try:
        outbox, aside = open_outbox(
            path, device=device, serial=machine_serial(), max_records=settings.outbox.max_records
        )
    except (OSError, sqlite3.OperationalError) as error:
        raise CustodyError(f"{path}: no outbox can be kept there ({error})") from error
    if aside is not None:
        _log.error("outbox_damaged", set_aside=str(aside))
    return outbox


def run(
    settings: EdgeSettings, *, make_hardware: MakeHardware = PiHardware, clock: Clock | None = None
) -> None:
    """Run the agent of this machine until it is told to stop (SIGTERM, SIGINT).

    Args:
        settings: where it runs.
        make_hardware: what its probes hang on.
        clock: None is the clock of this machine.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    password = settings.mqtt.password
    log_tail = LogTail((password.get_secret_value(),) if password is not None else ())
    set_up_logs(level=settings.log.level, as_json=settings.log.format is LogFormat.JSON, also=log_tail.keep)
    agent = compose(settings, log_tail, make_hardware=make_hardware, clock=clock)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    agent.start()
    sdnotify.SystemdNotifier().notify("READY=1")
    told.wait()
    agent.stop()


def broker_of(mqtt: Mqtt) -> Broker:
    """The broker as the settings have it.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    tls = None
    if mqtt.tls is not None:
        tls = client_context(mqtt.tls.ca, mqtt.tls.certificate, mqtt.tls.key)
    password = mqtt.password.get_secret_value() if mqtt.password is not None else ""
    return Broker(
        mqtt.host, mqtt.port, username=mqtt.username, password=password, keepalive_s=mqtt.keepalive_s, tls=tls
    )


def machine_serial() -> str:
    """What tells this machine from another: the Pi's serial number, else the machine id."""
    for place in (_SERIAL, _MACHINE_ID):
        if place.exists():
            return place.read_text(encoding="utf-8", errors="replace").strip("\x00\n ")
    return "unknown"


def software_version() -> str:
    """The version that is installed."""
    try:
        return version("tskaro")
    except PackageNotFoundError:
        return "0"

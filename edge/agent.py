"""The agent: sampler, uplink and heartbeat on threads of their own. The edge's composition root.

The sampler never waits for the network, the uplink never waits for a probe, and neither knows of the other but
for the outbox between them.
"""

import sqlite3
import ssl
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
from edge.desired import Configurations
from edge.economy import Economy, economy_of
from edge.fitting import fit
from edge.hardware.light import open_lamp
from edge.hardware.pi import PiHardware
from edge.heartbeat import Heartbeat
from edge.lanes import SendingPolicy
from edge.light import Lamp, Light, Sign, sign_of
from edge.log_tail import LogTail
from edge.outbox import Outbox, OutboxFull, open_outbox
from edge.probes.build import Hardware, ticks_of
from edge.probes.port import Probe
from edge.probes.powered import PoweredProbe
from edge.remote import Remote, RemoteParts
from edge.reporting import Reporting, reporting_of
from edge.sampler import Sampler
from edge.schedule import Every, Schedule
from edge.selfcheck import SelfChecks, checks_of
from edge.settings import Deflate, EdgeSettings, Mqtt
from edge.timekeeper import Timekeeper, battery_clock_ms
from edge.update import UpdateParts
from edge.uplink import Broker, Heard, Uplink
from edge.vitals import read_vitals
from edge.watchdog import Watchdog, Watched, watchdog_of_systemd
from firmware_config.device import DeviceConfig
from firmware_config.layers import handed_over
from firmware_config.tls import client_context
from waterquality.errors import CustodyError
from waterquality.wire.messages import Health, encode_health
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
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
        config_version: of the configuration that it runs with; 0 is the card's own.
        heartbeat_every_s: seconds from one health message to the next.
        remote: what can be asked of it, beyond what every agent knows.
        battery_clock_ms: what a clock with a battery shows, milliseconds since 1970, UTC; None where there is none.
        watchdog: petted while all loops are well; None where there is none.
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
    config_version: int = 0
    heartbeat_every_s: float = 900.0
    remote: RemoteParts = field(default_factory=RemoteParts)
    battery_clock_ms: int | None = None
    watchdog: Watchdog | None = None
    let_go: Callable[[], None] = lambda: None


class Agent:
    """Runs one device."""

    def __init__(self, parts: AgentParts) -> None:
        self._parts = parts
        self.clock = Timekeeper(
            parts.clock,
            known=parts.outbox.known,
            earliest_ms=parts.outbox.reckoned_ms(parts.clock.read()),
            rtc_ms=parts.battery_clock_ms,
        )
        self._wake_sampler = threading.Event()
        self.light = Light(parts.lamp, self._sign) if parts.lamp else None
        self.remote = Remote(
            replace(
                parts.remote,
                identify=self.light.identify if self.light else None,
                read_certificates=parts.certifier.reader(self.clock) if parts.certifier else None,
            ),
            device=parts.device,
            outbox=parts.outbox,
            clock=self.clock,
            publish=self._publish,
            told=self._known_of_itself,
            woken=self._wake_sampler.set,
            has_observed=lambda: self.sampler.counters["appended"] > 0,
            version=software_version(),
        )
        self.uplink = Uplink(
            parts.broker,
            device=parts.device,
            outbox=parts.outbox,
            policy=parts.policy,
            batching=parts.batching,
            version=software_version(),
            timekeeper=self.clock,
            calibration=parts.certifier.message if parts.certifier else lambda: b"",
            carried=self._carried,
            heard={channel: self._hears(channel) for channel in self.remote.channels},
            connected=self.remote.connected,
        )
        if parts.certifier:
            parts.certifier.changed = self.uplink.say_calibration
        observations = parts.observations and self._bursting(parts.observations)
        for probe in parts.probes:
            if observations and isinstance(probe, PoweredProbe):
                probe.follow(observations)
        self.sampler = Sampler(
            parts.probes,
            parts.outbox,
            checks=parts.checks(self.remote.service.is_on),
            observations=observations,
            reporting=parts.reporting(self.remote.burst.is_on),
            economy=parts.economy,
            appended=lambda due: self.uplink.nudge(urgent=due.is_urgent),
            board=self.remote.board,
        )
        budget = parts.budget
        self._heartbeat = Heartbeat(
            parts.outbox,
            (self.sampler.counters, self.uplink.counters, self.remote.counters),
            self._tell,
            vitals=parts.vitals,
            used_bytes=lambda: None if budget is None else budget.used_bytes,
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the three loops; returns at once."""
        self._note_start()
        self.remote.start(self._parts.clock.read())
        parts = self._parts
        if parts.certifier:
            parts.certifier.begin(parts.clock.read())
        schedule = self._bursting(parts.schedule)
        loops: dict[str, Callable[[], None]] = {
            "sampler": lambda: self.sampler.run(self.clock, schedule, self._stop, wake=self._wake_sampler),
            "uplink": lambda: self.uplink.run(self._stop),
            "heartbeat": lambda: self._heartbeat.run(self.clock, self._tells_every_s, self._stop),
            **self.remote.loops(self._stop),
        }
        if self.light is not None:
            light = self.light
            loops["light"] = lambda: light.run(parts.clock, self._stop)
        for name, loop in loops.items():
            thread = threading.Thread(target=loop, name=f"{parts.device}-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        if parts.watchdog is not None:
            self._watch(parts.watchdog)

    def _watch(self, watchdog: Watchdog) -> None:
        """Set the watchdog on the two loops that a device is there for; it ends with them."""
        works = (self.sampler.work, self.uplink.work)
        loops = [Watched(thread, work) for thread, work in zip(self._threads, works, strict=False)]
        name = f"{self._parts.device}-watchdog"
        threading.Thread(target=watchdog.run, args=(loops, self._stop), name=name, daemon=True).start()

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
        return Bursting(ordinary, Every(_FULL_RATE_S), self.remote.burst, self.clock)

    def _publish(self, channel: str, payload: bytes) -> None:
        self.uplink.publish(channel, payload)

    def _hears(self, channel: str) -> Heard:
        return lambda payload, is_retained: self.remote.hear(channel, payload, is_retained=is_retained)

    def _known_of_itself(self) -> dict[str, object]:
        return {
            "device": self._parts.device,
            "version": software_version(),
            "connected": self.uplink.is_connected,
            "counters": dict(self.sampler.counters + self.uplink.counters),
            "config_version": self._parts.config_version,
            **({"bytes_this_month": self._parts.budget.used_bytes} if self._parts.budget else {}),
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
        try:
            self._parts.outbox.append_note(self.clock.read(), NoteKind.STARTED, software_version())
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))


HardwareOf = Callable[[DeviceConfig], Hardware]


def compose(
    settings: EdgeSettings,
    *,
    hardware_of: HardwareOf = PiHardware,
    clock: Clock | None = None,
    log_tail: LogTail | None = None,
    begin_anew: Callable[[], None] = lambda: None,
    updates: UpdateParts | str = "this agent takes no updates",
) -> Agent:
    """Put the agent of this machine together.

    Args:
        settings: where it runs.
        hardware_of: what to open for a configuration.
        log_tail: the last lines of its log.
        clock: None is the clock of this machine.
        begin_anew: ends this agent and begins the next one.
        updates: what software updates work with, or why there are none.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    configurations = Configurations(settings.remote.folder / "config", settings.device_config)
    outbox = _outbox(settings, configurations.in_force()[1].device)
    notifier = sdnotify.SystemdNotifier()
    folder = CertificateFolder(settings.certificates)
    fitted = fit(
        configurations, hardware_of, lambda wired: as_calibrated(wired, folder), volume_m3=outbox.volume_m3
    )
    config = fitted.config
    lamp = open_lamp(config.light) if config.light else None
    budget = Budget(settings.budget.path, settings.budget.cap_bytes)
    return Agent(
        AgentParts(
            device=config.device,
            probes=fitted.probes,
            outbox=outbox,
            broker=broker_of(settings.mqtt),
            clock=clock or SystemClock(trusts_always=settings.trusts_clock == "always"),
            schedule=ticks_of(config),
            observations=Every(config.observe_every_s),
            checks=lambda is_serviced: checks_of(config, is_serviced=is_serviced),
            policy=SendingPolicy(
                settings.uplink.batch_records, settings.uplink.window_batches, settings.uplink.repeat_after_s
            ),
            certifier=Certifier(folder, config, fitted.probes, outbox),
            batching=Batching(settings.uplink.batch_every_s, settings.uplink.deflate, thrift=budget.thrift),
            reporting=lambda is_asked: reporting_of(config, thrift=budget.thrift, is_asked=is_asked),
            economy=economy_of(config),
            budget=budget,
            config_version=fitted.kept.desired.version,
            heartbeat_every_s=settings.heartbeat_every_s,
            remote=RemoteParts(
                folder=settings.remote.folder,
                door=settings.door.path,
                door_group=settings.door.group,
                log_tail=log_tail or LogTail(),
                configurations=configurations,
                fitted=fitted,
                begin_anew=begin_anew,
                updates=updates,
            ),
            battery_clock_ms=battery_clock_ms(),
            watchdog=watchdog_of_systemd(lambda: notifier.notify("WATCHDOG=1")),
            lamp=lamp,
            stale_s=_STALE_TICKS * config.observe_every_s,
            vitals=lambda: read_vitals(settings.outbox.path.parent).as_numbers(),
            let_go=fitted.hardware.close,
        )
    )


def _outbox(settings: EdgeSettings, device: str) -> Outbox:
    path = settings.outbox.path
    try:
        outbox, _ = open_outbox(
            path,
            device=device,
            serial=machine_serial(),
            max_records=settings.outbox.max_records,
            when_full=settings.outbox.when_full,
        )
    except (OSError, sqlite3.OperationalError) as error:
        raise CustodyError(f"{path}: no outbox can be kept there ({error})") from error
    return outbox


def broker_of(mqtt: Mqtt) -> Broker:
    """The broker as the settings have it.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    password = mqtt.password.get_secret_value() if mqtt.password is not None else ""
    return Broker(
        mqtt.host,
        mqtt.port,
        username=mqtt.username,
        password=password,
        keepalive_s=mqtt.keepalive_s,
        tls=tls_of(mqtt),
    )


def tls_of(mqtt: Mqtt) -> ssl.SSLContext | None:
    """Whom to trust and who we are, as the settings have it; None speaks in the clear.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    if mqtt.tls is None:
        return None
    key = mqtt.tls.key and handed_over(mqtt.tls.key)
    return client_context(mqtt.tls.ca, mqtt.tls.certificate, key)


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

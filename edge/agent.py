"""The agent: sampler, uplink and heartbeat on threads of their own. The edge's composition root.

The sampler never waits for the network, the uplink never waits for a probe, and neither knows of the other but
for the outbox between them.
"""

import signal
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sdnotify
import structlog

from edge.burst import Bursting
from edge.clock import Clock, Instant, SystemClock
from edge.hardware.gpio import GpioHardware
from edge.heartbeat import Heartbeat
from edge.lanes import SendingPolicy
from edge.log_tail import LogTail
from edge.outbox import Outbox, OutboxFull, open_outbox
from edge.probes.build import build_probes, ticks_of
from edge.probes.port import Probe
from edge.remote import Remote, RemoteParts
from edge.sampler import Sampler
from edge.schedule import Every, Schedule
from edge.selfcheck import SelfChecks, checks_of
from edge.settings import Deflate, EdgeSettings, LogFormat, Mqtt
from edge.timekeeper import Timekeeper, battery_clock_ms
from edge.uplink import Broker, Uplink
from firmware_config.device import load_device_config
from firmware_config.logs import set_up_logs
from firmware_config.tls import client_context
from waterquality.errors import CustodyError
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
_MACHINE_ID = Path("/etc/machine-id")
_STOP_WITHIN_S = 10.0
_FULL_RATE_S = 1.0  # of a burst


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
        deflate: which batches are compressed.
        heartbeat_every_s: seconds from one health message to the next.
        remote: what can be asked of it, beyond what every agent knows.
        battery_clock_ms: what a clock with a battery shows, milliseconds since 1970, UTC; None where there is none.
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
    deflate: Deflate = Deflate.BATCHES
    heartbeat_every_s: float = 60.0
    remote: RemoteParts = field(default_factory=RemoteParts)
    battery_clock_ms: int | None = None
    beaten: Callable[[], None] = lambda: None
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
        self.uplink = Uplink(
            parts.broker,
            device=parts.device,
            outbox=parts.outbox,
            policy=parts.policy,
            deflate=parts.deflate,
            version=software_version(),
            timekeeper=self.clock,
        )
        self._wake_sampler = threading.Event()
        self.remote = Remote(
            parts.remote,
            outbox=parts.outbox,
            clock=self.clock,
            told=self._known_of_itself,
            woken=self._wake_sampler.set,
        )
        self.sampler = Sampler(
            parts.probes,
            parts.outbox,
            checks=parts.checks(self.remote.service.is_on),
            observations=parts.observations and self._bursting(parts.observations),
            appended=self.uplink.nudge,
            board=self.remote.board,
        )
        self._heartbeat = Heartbeat(
            parts.outbox,
            (self.sampler.counters, self.uplink.counters),
            lambda payload: self.uplink.publish("health", payload),
            beaten=parts.beaten,
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the three loops; returns at once."""
        self._note_start()
        parts = self._parts
        schedule = self._bursting(parts.schedule)
        loops: dict[str, Callable[[], None]] = {
            "sampler": lambda: self.sampler.run(self.clock, schedule, self._stop, wake=self._wake_sampler),
            "uplink": lambda: self.uplink.run(self._stop),
            "heartbeat": lambda: self._heartbeat.run(self.clock, parts.heartbeat_every_s, self._stop),
            **self.remote.loops(self._stop),
        }
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
        self._parts.let_go()

    def _bursting(self, ordinary: Schedule) -> Schedule:
        return Bursting(ordinary, Every(_FULL_RATE_S), self.remote.burst, self.clock)

    def _known_of_itself(self) -> dict[str, object]:
        return {
            "device": self._parts.device,
            "version": software_version(),
            "connected": self.uplink.is_connected,
            "counters": dict(self.sampler.counters + self.uplink.counters),
        }

    def _note_start(self) -> None:
        try:
            self._parts.outbox.append_note(self.clock.read(), NoteKind.STARTED, software_version())
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))


def compose(settings: EdgeSettings, log_tail: LogTail) -> Agent:
    """Put the agent of this machine together.

    Args:
        settings: where it runs.
        log_tail: the last lines of its log.

    Raises:
        ConfigError: what is wired cannot be read as written; mended by the operator.
        CustodyError: no outbox can be kept; mended by the operator.
    """
    config = load_device_config(settings.device_config)
    outbox = _outbox(settings, config.device)
    notifier = sdnotify.SystemdNotifier()
    hardware = GpioHardware(config.converters)
    return Agent(
        AgentParts(
            device=config.device,
            probes=build_probes(config, hardware, volume_m3=outbox.volume_m3),
            outbox=outbox,
            broker=broker_of(settings.mqtt),
            clock=SystemClock(trusts_always=settings.trusts_clock == "always"),
            schedule=ticks_of(config),
            observations=Every(config.observe_every_s),
            checks=lambda is_serviced: checks_of(config, is_serviced=is_serviced),
            policy=SendingPolicy(
                settings.uplink.batch_records, settings.uplink.window_batches, settings.uplink.repeat_after_s
            ),
            deflate=settings.uplink.deflate,
            heartbeat_every_s=settings.heartbeat_every_s,
            remote=RemoteParts(
                folder=settings.remote.folder,
                door=settings.door.path,
                door_group=settings.door.group,
                log_tail=log_tail,
            ),
            battery_clock_ms=battery_clock_ms(),
            beaten=lambda: notifier.notify("WATCHDOG=1"),
            let_go=hardware.close,
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


def run(settings: EdgeSettings) -> None:
    """Run the agent of this machine until it is told to stop (SIGTERM, SIGINT)."""
    password = settings.mqtt.password
    log_tail = LogTail((password.get_secret_value(),) if password is not None else ())
    set_up_logs(level=settings.log.level, as_json=settings.log.format is LogFormat.JSON, also=log_tail.keep)
    agent = compose(settings, log_tail)
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

"""The agent: sampler, uplink and heartbeat on threads of their own, and what ties them together.

The sampler never waits for the network, the uplink never waits for a probe, and neither knows of the other but
for the outbox between them.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from edge.batching import Batching
from edge.budget import Budget
from edge.burst import Bursting
from edge.certifying import Certifier
from edge.clock import Clock, Instant
from edge.economy import Economy
from edge.heartbeat import Heartbeat
from edge.lanes import SendingPolicy
from edge.light import Lamp, Light, Sign, sign_of
from edge.machine import software_version
from edge.outbox import Outbox, OutboxFull
from edge.probes.port import Probe, Rests
from edge.remote import Remote, RemoteParts
from edge.reporting import Reporting
from edge.sampler import Sampler
from edge.schedule import Every, Schedule
from edge.selfcheck import SelfChecks
from edge.settings import Deflate
from edge.timekeeper import Timekeeper
from edge.uplink import Broker, Heard, Uplink
from edge.watchdog import Watchdog, Watched
from waterquality.wire.messages import Health, encode_health
from waterquality.wire.records import NoteKind

_log = structlog.get_logger()
_STOP_WITHIN_S = 10.0  # all loops together: systemd kills after 30 s, the launcher after 15 s
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
            if observations and isinstance(probe, Rests):
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
        self.remote.start(self.clock.read())
        parts = self._parts
        if parts.certifier:
            parts.certifier.begin(self.clock.read())
        schedule = self._bursting(parts.schedule)
        loops: dict[str, Callable[[], None]] = {
            "sampler": lambda: self.sampler.run(self.clock, schedule, self._stop, wake=self._wake_sampler),
            "uplink": lambda: self.uplink.run(self._stop),
            "heartbeat": lambda: self._heartbeat.run(self.clock, self._tells_every_s, self._stop),
            **self.remote.loops(self._stop),
        }
        if self.light is not None:
            light = self.light
            loops["light"] = lambda: light.run(self.clock, self._stop)
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

    def stop(self) -> bool:
        """Stop the loops, say goodbye to the broker and let go of the outbox.

        Returns:
            Whether all loops have ended; one that hangs in a probe or a line ends with the process alone.
        """
        self._stop.set()
        for nudge in (self.uplink.nudge, self._wake_sampler.set, self.remote.nudge):
            nudge()
        until_s = time.monotonic() + _STOP_WITHIN_S
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        self._parts.outbox.close()
        if self._parts.budget is not None:
            self._parts.budget.close()
        self._parts.let_go()
        hung = [thread.name for thread in self._threads if thread.is_alive()]
        if hung:
            _log.error("loops_hang", loops=hung)
        return not hung

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
            **self._known_of_the_sim(),
        }

    def _known_of_the_sim(self) -> dict[str, object]:
        if self._parts.budget is None:
            return {}
        figures = self._parts.budget.figures()
        return {
            "bytes_this_month": figures.used_bytes,
            "forecast_bytes": figures.forecast_bytes,
            "cap_bytes": figures.cap_bytes,
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
            self._parts.budget.count(carried_bytes, self.clock.read())

    def _note_start(self) -> None:
        try:
            self._parts.outbox.append_note(self.clock.read(), NoteKind.STARTED, software_version())
        except (OutboxFull, sqlite3.OperationalError) as error:
            _log.error("append_failed", detail=str(error))

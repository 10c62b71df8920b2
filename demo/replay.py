"""A recorded series through the whole path: production agent, broker, ingest, watch, store, notifier.

One clock serves both ends, so a confirm delay of three minutes is three minutes of the record at any speed. At
full speed the clock is driven: it goes from row to row, stops at every timer on the way, and waits while the
server is so far behind that a reading would arrive late.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from alerts.ports import Change
from alerts.rules import Role
from alerts.seeds import shipped_rules
from alerts.specs import NoDataSpec
from alerts.transports.phone import OnScreenPhone
from demo.broker import EmbeddedBroker
from demo.clocks import DrivenClock, ScaledClock
from demo.recorded import BadRow, Recording, Span
from demo.recorded_pi import RecordedDevice
from demo.tally import Tally, take_tally
from edge.agent import Agent, AgentParts
from edge.lanes import SendingPolicy
from edge.outbox import Depth, Outbox, open_outbox
from edge.uplink import Broker
from server.bus.mqtt import BrokerAddress
from server.database.engine import Database
from server.database.migrate import migrate
from server.ingest.gate import Allowance, Gate
from server.phone import DatabaseInbox
from server.processes import Ingest, Notify, Surroundings
from server.registry.consent import take_from_list
from server.registry.people import NewPerson, add_person
from server.registry.writing import (
    NewWaterPoint,
    add_device,
    add_municipality,
    add_water_point,
    deploy,
    seed_rules,
)
from server.store.port import ReadingStore
from waterquality.languages import Language
from waterquality.limits import Capability, Method
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import from_ms, to_ms

DEVICE = "rp-0001"
WATER_POINT = "replay"
_MODEL_PREFIX = "recorded-"
_LATE_AFTER = timedelta(hours=1)  # a driven clock is late by itself, and its lag is held back below
_A_YEAR_IN_MINUTES = Allowance(
    messages_per_s=1e6, bytes_per_s=1e9
)  # no device would, and nobody else is there
_MOST_LAG = timedelta(minutes=15)
_SETTLE_WITHIN_S = 60.0
_GLANCE_S = 0.2
_LEAST_SILENCE_S = 1800.0
_SILENCE_INTERVALS = 4
_QUIET_SLEEPERS = 3  # heartbeat, ticker, notifier; the sampler is the fourth while it has rows
_METHODS = {
    Parameter.TURBIDITY: Method.NEPHELOMETRIC,
    Parameter.PH: Method.POTENTIOMETRIC,
    Parameter.TEMPERATURE: Method.THERMOMETRIC,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How a recording is replayed.

    Attributes:
        recording: what to replay.
        span: what it holds.
        folder: where the outbox and, unless told otherwise, the databases are.
        keeps_time: whether the rows keep their own time; else the last row is now.
        speed: seconds of the record in one real second; None as fast as it goes.
        broker: where the broker is; None starts one inside this process.
        store: where readings go.
        database: registry, ledger and custody.
    """

    recording: Recording
    span: Span
    folder: Path
    keeps_time: bool
    speed: float | None
    broker: BrokerAddress | None
    store: ReadingStore
    database: Database


@dataclass(slots=True)
class Replayed:
    """What came out.

    Attributes:
        rows: rows sent.
        bad_rows: rows that could not be used, by flaw.
        missing: readings without a value, by parameter.
        seconds: real seconds it took.
        tally: what the parts have recorded.
    """

    rows: int
    bad_rows: Counter[str]
    missing: dict[str, int]
    seconds: float
    tally: Tally

    def as_json(self) -> dict[str, object]:
        """For the last line."""
        return {
            "rows": self.rows,
            "bad_rows": dict(self.bad_rows),
            "missing_readings": self.missing,
            "seconds": round(self.seconds, 1),
            "rows_per_s": round(self.rows / self.seconds, 1) if self.seconds else None,
            **self.tally.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of what happens."""

    changed: Callable[[Sequence[Change]], None] = lambda _: None
    texted: Callable[[str, str], None] = lambda _, __: None
    refused: Callable[[BadRow], None] = lambda _: None
    progressed: Callable[[int, datetime], None] = lambda _, __: None


class Replay:
    """One run.

    Args:
        options: what and how.
        listeners: who is told.
    """

    def __init__(self, options: ReplayOptions, listeners: Listeners) -> None:
        self._options, self._listeners = options, listeners
        self._bad: Counter[str] = Counter()
        shift = timedelta(0) if options.keeps_time else datetime.now(UTC) - options.span.last
        self._begins = from_ms(to_ms(options.span.first + shift - timedelta(seconds=1)))
        self._clock = (
            DrivenClock(self._begins) if options.speed is None else ScaledClock(self._begins, options.speed)
        )
        self._device = RecordedDevice(options.recording, shift, self._clock, self._refuse)
        self._embedded = EmbeddedBroker() if options.broker is None else None

    def run(self, stop: threading.Event) -> Replayed:
        """Replay until the last row has been settled, or `stop` is set."""
        migrate(self._options.database)
        self._register()
        if self._embedded is not None:
            self._embedded.start()
        around = self._surroundings()
        notify = self._notifier(around)
        ingest = Ingest(around, changed=partial(self._changed, notify))
        outbox, _ = open_outbox(self._options.folder / "replay-outbox.db", device=DEVICE, serial=DEVICE)
        agent = self._agent(around.broker, outbox)
        began_s = time.monotonic()
        ingest.start()
        notify.start()
        agent.start()
        try:
            self._conduct(agent, outbox, stop)
            _await(lambda: outbox.depth().records == 0 or stop.is_set(), _SETTLE_WITHIN_S)
            seconds, depth = time.monotonic() - began_s, outbox.depth()
        finally:
            agent.stop()
            ingest.stop()
            notify.stop()
            if self._embedded is not None:
                self._embedded.stop()
        return self._replayed(agent, ingest, depth, seconds)

    def _surroundings(self) -> Surroundings:
        options = self._options
        return Surroundings(
            database=options.database,
            store=options.store,
            broker=options.broker or BrokerAddress("127.0.0.1", self._embedded.port if self._embedded else 0),
            clock=self._clock,
            late_after=_LATE_AFTER,
            tick_every_s=300,
            look_every_s=300,
            receipt_every_s=0.0,
            known=_as_recorded,
            gate=Gate(_A_YEAR_IN_MINUTES),
        )

    def _notifier(self, around: Surroundings) -> Notify:
        inbox = DatabaseInbox(self._options.database, self._clock.now, self._listeners.texted)
        return Notify(around, OnScreenPhone(inbox))

    def _changed(self, notify: Notify, changes: Sequence[Change]) -> None:
        notify.nudge()
        self._listeners.changed(changes)

    def _agent(self, address: BrokerAddress, outbox: Outbox) -> Agent:
        parts = AgentParts(
            device=DEVICE,
            probes=(self._device,),
            outbox=outbox,
            broker=Broker(
                address.host,
                address.port,
                username=address.username,
                password=address.password,
                tls=address.tls,
            ),
            clock=self._device,
            schedule=self._device,
            policy=SendingPolicy(repeat_after_s=10),
            heartbeat_every_s=3600,
        )
        return Agent(parts)

    def _replayed(self, agent: Agent, ingest: Ingest, depth: Depth, seconds: float) -> Replayed:
        options = self._options
        tally = take_tally(
            depths=[depth],
            database=options.database,
            store=options.store,
            since=self._begins,
            until=self._clock.now(),
            latencies_s=[age for _, age in ingest.worker.latencies],
            time_factor=options.speed,
        )
        missing = {str(parameter): count for parameter, count in options.span.missing.items()}
        return Replayed(agent.sampler.counters["appended"], self._bad, missing, seconds, tally)

    def _conduct(self, agent: Agent, outbox: Outbox, stop: threading.Event) -> None:
        """Let time go on until the rows are through."""
        _await(lambda: agent.uplink.is_connected or stop.is_set(), _SETTLE_WITHIN_S)
        while not stop.is_set() and (due := self._device.due) is not None:
            if isinstance(self._clock, DrivenClock):
                self._hold_back(outbox, due, stop)
                self._clock.advance_to(due, lambda: _QUIET_SLEEPERS + agent.is_sampling())
            else:
                stop.wait(_GLANCE_S)
            self._listeners.progressed(agent.sampler.counters["appended"], self._clock.now())

    def _hold_back(self, outbox: Outbox, due: datetime, stop: threading.Event) -> None:
        """Wait while what is on its way would be late when the clock shows `due`."""
        oldest_allowed_ms = to_ms(due - _MOST_LAG)

        def is_close() -> bool:
            oldest_ms = outbox.depth().oldest_ms
            return oldest_ms is None or oldest_ms >= oldest_allowed_ms or stop.is_set()

        _await(is_close, _SETTLE_WITHIN_S)

    def _refuse(self, row: BadRow) -> None:
        self._bad[str(row.flaw)] += 1
        self._listeners.refused(row)

    def _register(self) -> None:
        names = dict.fromkeys(Language, WATER_POINT)
        span = self._options.span
        interval_s = (span.last - span.first).total_seconds() / max(1, span.rows - 1)
        silence_s = max(_LEAST_SILENCE_S, _SILENCE_INTERVALS * interval_s)
        rules = [
            rule.model_copy(update={"after_s": silence_s}) if isinstance(rule, NoDataSpec) else rule
            for rule in shipped_rules()
        ]
        parameters = [mapped.parameter for mapped, _ in self._options.recording.value_at]
        with self._options.database.writing() as connection:
            seed_rules(connection, rules)
            add_municipality(connection, WATER_POINT, names)
            point = NewWaterPoint(
                id=WATER_POINT, municipality=WATER_POINT, names=names, sms_names=names, lat=41.5, lon=44.6
            )
            add_water_point(connection, point)
            models = {parameter: f"{_MODEL_PREFIX}{parameter}" for parameter in parameters}
            add_device(connection, DEVICE, models, to_ms(self._begins))
            deploy(connection, DEVICE, WATER_POINT, to_ms(self._begins))
            for role in Role:
                person = NewPerson(
                    id=f"replay-{role}",
                    name=f"{role} of the replay",
                    phone=f"+99555500010{list(Role).index(role)}",
                    language=Language.EN,
                    role=role,
                    water_points=(WATER_POINT,),
                )
                add_person(connection, person)
                take_from_list(
                    connection,
                    person.id,
                    wording="invented, like the person",
                    at=self._begins,
                    source="replay",
                    now_ms=to_ms(self._begins),
                )


def _as_recorded(model: str) -> Capability | None:
    """A recording is taken at its word: as exact as its numbers, over all that is possible."""
    parameter = Parameter(model.removeprefix(_MODEL_PREFIX))
    spec = SPECS[parameter]
    method = _METHODS.get(parameter, Method.MECHANICAL)
    return Capability(parameter, method, spec.possible, detection_limit=0.0, uncertainty=0.0)


def _await(is_so: Callable[[], bool], seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.002)

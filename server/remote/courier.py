"""The courier: carries what is owed to devices, and writes down what they answer.

**Invariants**
* What is owed stands in the database; a restart of this process, of the broker or of both forgets nothing.
* A desired configuration or update is retained, and published again whenever this side or the device has come back
  and the device lacks it: nothing depends on what the broker kept.
* A command is not retained; it is published again, under the same id, until it is answered or has expired. The
  device does it once.
* What a device says of itself changes only what is written of that device; what cannot be read is counted.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import structlog

from server.clock import Clock
from server.database.engine import Database
from server.remote.answers import write_applied, write_progress, write_reply
from server.remote.owed import Owed, owed_to_devices
from waterquality import topics
from waterquality.errors import LinkError
from waterquality.readings import to_ms
from waterquality.wire.rejection import Malformed

_log = structlog.get_logger()
_MOST_WAITING = 10_000
_LOOK_EVERY_S = 0.5
_AGAIN_AFTER_S = 10.0
# topic, payload, whether the broker keeps it → whether it was handed to the connection
Publish = Callable[[str, bytes, bool], bool]
_WRITERS = {"config/applied": write_applied, "reply": write_reply, "update/applied": write_progress}


@dataclass(slots=True)
class _Sent:
    payload: bytes
    at_s: float


class Courier:
    """Publishes what is owed and takes the answers.

    Args:
        database: where both are kept.
        publish: sends a message.
        clock: the server's clock.
        is_ours: whether this courier serves a device; where there are several, each serves some.
    """

    def __init__(
        self,
        database: Database,
        publish: Publish,
        clock: Clock,
        is_ours: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._database, self._publish, self._clock, self._is_ours = database, publish, clock, is_ours
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue(_MOST_WAITING)
        self._sent: dict[tuple[str, str], _Sent] = {}
        self._has_come_back = threading.Event()
        self.counters: Counter[str] = Counter()

    @property
    def channels(self) -> tuple[str, ...]:
        """What to subscribe to of every device; `take` takes what comes."""
        return tuple(_WRITERS)

    def take(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
        """Called on the network thread for each message."""
        if is_retained:
            self.counters["retained_ignored"] += 1
            return
        try:
            self._answers.put_nowait((topic, payload))
        except queue.Full:
            self.counters["dropped_queue_full"] += 1

    def is_connected(self, *, connected: bool) -> None:
        """The bus tells us whether it hears the broker; one that was away may have forgotten everything."""
        if connected:
            self._has_come_back.set()

    def run(self, stop: threading.Event) -> None:
        """Carry until `stop` is set."""
        while not stop.is_set():
            try:
                self.turn(time.monotonic())
            except LinkError as error:
                _log.warning("database_unavailable", detail=str(error))
                stop.wait(1.0)
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                self.counters["failed"] += 1
                _log.exception("courier_failed")
                stop.wait(1.0)
            stop.wait(_LOOK_EVERY_S)

    def turn(self, now_s: float) -> None:
        """Write down what was answered, and publish what is owed.

        Args:
            now_s: monotonic seconds.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        if self._has_come_back.is_set():
            self._has_come_back.clear()
            self._sent.clear()
        self._write_answers()
        with self._database.reading() as connection:
            all_owed = owed_to_devices(connection, to_ms(self._clock.now()))
        owed = [each for each in all_owed if self._is_ours(each.device)]
        still = {(each.device, each.key) for each in owed}
        self._sent = {key: sent for key, sent in self._sent.items() if key in still}
        for each in owed:
            self._carry(each, now_s)

    def _carry(self, owed: Owed, now_s: float) -> None:
        sent = self._sent.get((owed.device, owed.key))
        is_fresh = sent is not None and sent.payload == owed.payload and now_s - sent.at_s < _AGAIN_AFTER_S
        if is_fresh or (sent is not None and owed.is_retained and sent.payload == owed.payload):
            return
        topic = topics.of_device(owed.device, owed.channel)
        if self._publish(topic, owed.payload, owed.is_retained):
            self._sent[owed.device, owed.key] = _Sent(owed.payload, now_s)

    def _write_answers(self) -> None:
        answers = list(self._waiting())
        if not answers:
            return
        now_ms = to_ms(self._clock.now())
        with self._database.writing() as connection:
            for topic, payload in answers:
                device = topics.device_of(topic)
                channel = topic.partition(f"/{device}/")[2]
                try:
                    lacks = _WRITERS[channel](connection, device, payload, now_ms)
                except (Malformed, KeyError) as error:
                    self.counters["malformed"] += 1
                    _log.warning("answer_malformed", device=device, channel=channel, detail=str(error))
                    continue
                for key in lacks:
                    self._sent.pop((device, key), None)

    def _waiting(self) -> Iterator[tuple[str, bytes]]:
        with suppress(queue.Empty):
            while True:
                yield self._answers.get_nowait()

"""The gate of intake: whose messages come in, and how many of each device. Mosquitto has no limit of its own.

**How many**: a token bucket for each device. What it does is counted in seconds of its own allowance: a message
costs `1 / messages_per_s`, each of its bytes `1 / bytes_per_s`, and the processor time that taking it in took
beyond the ordinary `1 / work_share` (a few kilobytes can inflate to what takes most of a second). Who is more than
`burst_s` ahead is over. **Whose**: a device whose certificates were all taken back is shut out, whatever the broker
does.

What does not come in is dropped and counted before it enters any queue. The device still holds it: it comes again
when it is within its allowance, or when it gets a certificate again. It is not quarantined: a thief must not be
able to fill the table, and what was quarantined would be receipted and forgotten.

**Invariants**
* An honest device is never over: the fastest it may send, four batches for each receipt, is within its allowance.
* One number for each device that was busy lately. Whose bucket is full again is forgotten, which changes nothing;
  where too many names are busy at once, the new ones share one bucket.
* `admit` runs on the network thread: no lock, no log, less than a microsecond. Where two threads meet there, a
  charge may be lost, or a device that is being shut out heard until `shut_out` is said again.

Is not: what keeps a flood off the broker itself; what the broker can do about that is in its configuration
(`server/broker/`).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog

from server.ingest.subscriber import Arrival
from waterquality.topics import Envelope

_log = structlog.get_logger()
_MOST_NAMES = 20_000
_LONGEST_NAME = 16
_OF_THE_REST = ""
_ORDINARY_WORK_S = 0.01  # a batch of 60 observations takes 3 to 6 ms
_OVER_FOR_S = 10.0
_FLOOD = 500  # messages dropped since we looked last
_LET_IN_LAST_S = 1.0  # a message that was let in may have used up a little more than was left
# topic, payload, whether it was retained
Taker = Callable[[str, bytes, bool], None]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one device may send.

    A device that drains its backlog has four batches under way and gets five receipts a second: 20 messages of
    60 observations a second, of 4 kB or, with all that can be in them, 40 kB each. What it measures meanwhile comes
    beside that, a few messages a second.

    Attributes:
        messages_per_s: messages a second.
        bytes_per_s: bytes of payload a second.
        burst_s: how much of its allowance it may use at once, in seconds.
        work_share: share of one core that taking in what is not ordinary of it may take.
    """

    messages_per_s: float = 60.0
    bytes_per_s: float = 4_000_000.0
    burst_s: float = 4.0
    work_share: float = 0.25


class Gate:
    """The gate of all devices.

    Args:
        allowance: of each device.
        clock: seconds that only go forward.
        work_clock: processor time of the thread that asks, in seconds.
    """

    def __init__(
        self,
        allowance: Allowance | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        allowance = allowance or Allowance()
        self._per_message_s = 1.0 / allowance.messages_per_s
        self._per_byte_s = 1.0 / allowance.bytes_per_s
        self._per_work = 1.0 / allowance.work_share
        self._burst_s = allowance.burst_s
        self._clock, self._work_clock = clock, work_clock
        self._full_at_s: dict[str, float] = {}  # when a device's bucket is full again
        self._swept_s = float("-inf")
        self._over: dict[str, tuple[int, float]] = {}  # how many were dropped, and when the last of them came
        self._places: dict[str, set[str]] = {}  # of who is over: the shards in whose topics it speaks
        self._told: dict[str, int] = {}  # in the log; with how many were dropped when we looked last
        self._shut_out: frozenset[str] = frozenset()
        self._knocked_s: dict[str, float] = {}  # when a device that is shut out was last heard
        self.counters: Counter[str] = Counter()

    def guard(self, taker: Taker) -> Taker:
        """A taker that gets what comes in; for a subscription to a channel of devices."""
        admit = self.admit

        def take(topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - the bus's form
            if admit(topic, len(payload)):
                taker(topic, payload, is_retained)

        return take

    def admit(self, topic: str, size: int) -> bool:
        """Whether a message of so many bytes comes in; one that does not is counted.

        Called on the network thread for each message.
        """
        _, _, place, device, _ = topic.split("/", 4)
        now_s = self._clock()
        full_at_s = self._full_at_s.get(device)
        if full_at_s is None:
            if device in self._shut_out:
                self.counters["dropped_shut_out"] += 1
                self._knocked_s[device] = now_s
                return False
            device = self._name(device, now_s)
            full_at_s = self._full_at_s.get(device, now_s)
        if full_at_s < now_s:
            full_at_s = now_s
        elif full_at_s - now_s > self._burst_s:
            self._drop(device, now_s)
            self._places.setdefault(device, set()).add(place)
            return False
        self._full_at_s[device] = full_at_s + self._per_message_s + size * self._per_byte_s
        return True

    def shut_out(self, devices: frozenset[str]) -> None:
        """These devices have no certificate in force: nothing of theirs comes in. Say it each second."""
        self._shut_out = devices
        for device in devices:  # each time: a message that was just coming in may have put it back
            self._full_at_s.pop(device, None)
        for device in self._knocked_s.keys() - devices:
            self._knocked_s.pop(device, None)

    def knocked(self) -> dict[str, float]:
        """When each device that is shut out and is not silent was last heard, by the clock of this gate."""
        return self._knocked_s.copy()

    def in_turn(
        self, arrivals: Iterable[tuple[Arrival, Envelope | None]]
    ) -> Iterator[tuple[Arrival, Envelope | None]]:
        """What is to be taken in, one after the other; what that takes is booked on whoever sent it.

        What waits of a device that was shut out or has used up its allowance meanwhile is left out, and counted.
        """
        began_s = self._work_clock()
        for arrival, envelope in arrivals:
            if envelope is not None and not self._may_still(envelope.device):
                continue
            yield arrival, envelope
            ended_s = self._work_clock()
            if ended_s - began_s > _ORDINARY_WORK_S and envelope is not None:
                self._charge(envelope.device, ended_s - began_s - _ORDINARY_WORK_S)
            began_s = ended_s

    def over(self) -> dict[str, int]:
        """How many messages were dropped of each device that is over, or was ten seconds ago."""
        return {device: count for device, (count, _) in self._over.copy().items()}

    def report(self) -> frozenset[str]:
        """Say in the log who has begun to be over, and who is no more. Called about once a second, by one thread.

        Returns:
            The shards in whose topics somebody floods: so much comes that even dropping it costs the others time.
        """
        now_s, flooded = self._clock(), set[str]()
        for device, (count, last_s) in self._over.copy().items():
            if device not in self._told:
                _log.warning("device_over_allowance", device=device or "many at once", dropped=count)
            if count - self._told.get(device, 0) > _FLOOD:
                flooded |= self._places.pop(device, set())
            self._told[device] = count
            if now_s - last_s > _OVER_FOR_S:
                self._told.pop(device)
                self._over.pop(device, None)
                self._places.pop(device, None)
                _log.info("device_within_allowance", device=device or "many at once", dropped=count)
        return frozenset(flooded)

    def _may_still(self, device: str) -> bool:
        """Whether what came in a moment ago and waited may be taken in."""
        full_at_s = self._full_at_s.get(device)
        if full_at_s is None:
            if device not in self._shut_out:
                return True
            self.counters["dropped_shut_out"] += 1
            return False
        now_s = self._clock()
        if full_at_s - now_s <= self._burst_s + _LET_IN_LAST_S:
            return True
        self._drop(device, now_s)
        return False

    def _charge(self, device: str, work_s: float) -> None:
        if device not in self._shut_out:
            now_s = self._clock()
            device = self._name(device, now_s)
            full_at_s = max(now_s, self._full_at_s.get(device, now_s))
            self._full_at_s[device] = full_at_s + work_s * self._per_work

    def _drop(self, device: str, now_s: float) -> None:
        self.counters["dropped_over_allowance"] += 1
        count, _ = self._over.get(device, (0, now_s))
        self._over[device] = (count + 1, now_s)

    def _name(self, device: str, now_s: float) -> str:
        """Under which name a device is booked: its own, if there is room."""
        if device in self._full_at_s:
            return device
        if len(self._full_at_s) >= _MOST_NAMES:
            self._sweep(now_s)
        has_room = len(self._full_at_s) < _MOST_NAMES and len(device) <= _LONGEST_NAME
        return device if has_room else _OF_THE_REST

    def _sweep(self, now_s: float) -> None:
        """Forget whose bucket is full; at most once a second, since it looks at all of them."""
        if now_s - self._swept_s >= 1.0:
            self._swept_s = now_s
            self._full_at_s = {name: at_s for name, at_s in self._full_at_s.copy().items() if at_s > now_s}

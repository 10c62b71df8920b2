"""The detector of one water point: one call for each observation, in event time.

The changes of all parameters, each in units of its own ordinary extremes, are put together (root mean square) and
held against a bar: so many times what the whole does in an ordinary six hours.

**Invariants**
* Time runs forwards: what is not newer than the last observation is refused and changes nothing.
* No value, no evidence: what is missing, failed or not a number neither accuses nor clears nor teaches.
* During an event the level before it stands still and nothing is learned; the stranger the event, the longer.
* After `restore(save())` every judgement is the one that would have been made without.

It is not a limit: a slow drift over days is none of its business, and what has always been bad is normal to it.
"""

import json
import zlib
from collections.abc import Collection, Mapping, Sequence

from alerts.events.episode import Episode, Sight
from alerts.events.event import Cause, Change, Event, Judged, Stage
from alerts.events.operations import Operations
from alerts.events.ordinary import Ordinary, Saved
from alerts.events.signal import Signal
from alerts.events.tuning import DEFAULT, Tuning

_VERSION = 1


class Detector:
    """Finds events at one water point.

    Args:
        quality: parameters that speak for the water.
        flows: parameters that are switched.
        conditions: other parameters that say what the supply does.
        tuning: the numbers; the same for all water points.
    """

    __slots__ = ("_episode", "_last_ms", "_names", "_operations", "_signals", "_tuning", "_whole")

    def __init__(
        self,
        quality: Sequence[str],
        *,
        flows: Sequence[str] = (),
        conditions: Sequence[str] = (),
        tuning: Tuning = DEFAULT,
    ) -> None:
        self._names, self._tuning = (tuple(quality), tuple(flows), tuple(conditions)), tuning
        self._signals = tuple(Signal(name, tuning) for name in quality)
        self._operations = Operations(flows, conditions, tuning)
        self._whole = Ordinary(tuning, prior=tuning.prior)
        self._episode = Episode(tuning)
        self._last_ms: int | None = None

    def observe(
        self, at_ms: int, values: Mapping[str, float | None], *, renewed: Collection[str] = ()
    ) -> Judged:
        """Judge one observation.

        Args:
            at_ms: when it was taken, milliseconds since 1970.
            values: by parameter, in its unit; None, or not a number, where there is no evidence.
            renewed: parameters whose probe was touched (cleaned, calibrated, swapped): their level begins anew.
        """
        if self._last_ms is not None and at_ms <= self._last_ms:
            return Judged(Stage.LATE, learned=self.learned)
        self._last_ms = at_ms
        self._look(at_ms, values, renewed)
        able = [signal for signal in self._signals if signal.has_learned]
        strength = self._strength(able)
        if not able:
            self._take_in(at_ms)
            return Judged(Stage.LEARNING, learned=self.learned)
        stage, is_new = self._episode.advance(
            strength, at_ms, doubt=self._operations.doubt(at_ms), sight=_sight(able)
        )
        event = self._told(stage, strength, at_ms)
        self._absorb(stage, at_ms, able)
        return Judged(stage, event, is_new, self.learned)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Its parameters: those that speak for the water, those that are switched, and other conditions."""
        return self._names

    @property
    def last_ms(self) -> int | None:
        """When the last observation was taken, milliseconds since 1970; None before the first."""
        return self._last_ms

    @property
    def learned(self) -> float:
        """How much of the normal is known, from 0 to 1, by the parameter that knows its own best."""
        return max((signal.learned for signal in self._signals), default=0.0)

    def save(self) -> bytes:
        """Everything it knows, in a few kilobytes."""
        known = [
            _VERSION,
            self._names,
            self._last_ms,
            [signal.save() for signal in self._signals],
            self._operations.save(),
            self._whole.save(),
            self._episode.save(),
        ]
        return zlib.compress(json.dumps(known, separators=(",", ":")).encode(), 9)

    @classmethod
    def restore(cls, saved: bytes, tuning: Tuning = DEFAULT) -> "Detector":
        """The detector that was saved.

        Raises:
            ValueError: the bytes are not a saved detector of this version; begin a new one.
        """
        try:
            version, names, last_ms, signals, operations, whole, episode = json.loads(zlib.decompress(saved))
        except (zlib.error, ValueError) as problem:
            message = f"not a saved detector: {problem}"
            raise ValueError(message) from problem
        if version != _VERSION:
            message = f"a detector of version {version}, and this is version {_VERSION}"
            raise ValueError(message)
        quality, flows, conditions = names
        detector = cls(quality, flows=flows, conditions=conditions, tuning=tuning)
        detector._resume(last_ms, signals, operations, whole, episode)
        return detector

    def _resume(self, last_ms: int, signals: Saved, operations: Saved, whole: Saved, episode: Saved) -> None:
        self._last_ms = last_ms
        for signal, of_it in zip(self._signals, signals, strict=True):
            signal.restore(of_it)
        self._operations.restore(operations)
        self._whole.restore(whole)
        self._episode.restore(episode)

    def _look(self, at_ms: int, values: Mapping[str, float | None], renewed: Collection[str]) -> None:
        self._operations.look(values, at_ms)
        for signal in self._signals:
            if signal.name in renewed:
                signal.forget()
            signal.look(values.get(signal.name), at_ms)

    def _strength(self, able: Sequence[Signal]) -> float:
        """The whole change in bars; above 1 is strange."""
        return self._change(able) / self._bar if able else 0.0

    @property
    def _bar(self) -> float:
        """How far the whole must change to be strange, in ordinary extremes of its parameters."""
        return self._tuning.bar * (self._whole.level or self._tuning.prior)

    @staticmethod
    def _change(able: Sequence[Signal]) -> float:
        return float((sum(signal.strangeness**2 for signal in able) / len(able)) ** 0.5)

    def _take_in(self, at_ms: int) -> None:
        for signal in self._signals:
            signal.learn(at_ms)
            signal.accept()

    def _absorb(self, stage: Stage, at_ms: int, able: Sequence[Signal]) -> None:
        """Let the observation become part of the past and of the normal, or keep it out of both."""
        if self._episode.has_settled:
            for signal in self._signals:
                signal.forget()
        if stage is Stage.EVENT:
            self._whole.see(self._bar, at_ms, is_event=True)
            for signal in self._signals:
                signal.learn(at_ms, is_event=True)
            return
        if _sight(able) is Sight.CLEAR:
            self._whole.see(self._change(able), at_ms)
        self._take_in(at_ms)

    def _told(self, stage: Stage, strength: float, at_ms: int) -> Event | None:
        """The event under way, at its strongest so far."""
        if stage not in (Stage.EVENT, Stage.OPERATIONS):
            return None
        cause = Cause.WATER if stage is Stage.EVENT else Cause.OPERATIONS
        return self._episode.strongest(self._event(cause, strength, at_ms))

    def _event(self, cause: Cause, strength: float, at_ms: int) -> Event:
        strange = sorted(self._signals, key=lambda signal: -signal.strangeness)
        changes = [
            Change(
                signal.name,
                signal.reference,
                signal.value,
                (at_ms - signal.calm_ms) / 60_000,
                signal.strangeness,
            )
            for signal in strange
            if signal.reference is not None and signal.value is not None
        ]
        told = tuple(change for change in changes if change.strangeness >= 1) or tuple(changes[:1])
        operations = self._operations
        return Event(at_ms, cause, told, operations.steady(at_ms), operations.switched(at_ms), strength)


def _sight(able: Sequence[Signal]) -> Sight:
    if any(signal.reference is not None for signal in able):
        return Sight.CLEAR
    return Sight.LOST if any(signal.value is not None for signal in able) else Sight.NONE

"""Operations: what the supply itself does. A pump that starts stirs up pipes; that is not the spring's doing.

A switch explains a moderate change in the water for a while; a strong one it does not explain.
"""

from collections.abc import Mapping, Sequence

from alerts.events.ordinary import Saved
from alerts.events.signal import Signal
from alerts.events.tuning import Tuning


class Operations:
    """Flows and conditions of one water point.

    Args:
        flows: parameters that are switched (flow); halving or doubling is a switch from the first hour on.
        conditions: parameters that only drift (temperature); a switch only once their normal is known.
        tuning: the numbers.
    """

    __slots__ = ("_flows", "_switched", "_tuning", "signals")

    def __init__(self, flows: Sequence[str], conditions: Sequence[str], tuning: Tuning) -> None:
        self._tuning, self._flows = tuning, frozenset(flows)
        self.signals = tuple(Signal(name, tuning) for name in (*flows, *conditions))
        self._switched: dict[str, int] = {}

    def look(self, values: Mapping[str, float | None], at_ms: int) -> None:
        """Take in what the supply does now."""
        for signal in self.signals:
            signal.look(values.get(signal.name), at_ms)
            if self._is_switched(signal):
                self._switched[signal.name] = at_ms
            signal.learn(at_ms)
            signal.accept()

    def doubt(self, at_ms: int) -> float:
        """By how much of itself the bar is raised now; 0 when nothing was switched of late."""
        return self._tuning.switch_doubt if self.switched(at_ms) else 0.0

    def switched(self, at_ms: int) -> tuple[str, ...]:
        """What was switched of late."""
        since_ms = at_ms - self._tuning.switch_s * 1000
        return tuple(name for name, switched_ms in self._switched.items() if switched_ms > since_ms)

    def steady(self, at_ms: int) -> tuple[str, ...]:
        """What was measured and not switched of late."""
        moved = self.switched(at_ms)
        return tuple(
            signal.name
            for signal in self.signals
            if signal.reference is not None and signal.name not in moved
        )

    def save(self) -> Saved:
        """Everything, as JSON can hold it."""
        return [[signal.save() for signal in self.signals], self._switched]

    def restore(self, saved: Saved) -> None:
        """Become what was saved."""
        signals, switched = saved
        for signal, of_it in zip(self.signals, signals, strict=True):
            signal.restore(of_it)
        self._switched = dict(switched)

    def _is_switched(self, signal: Signal) -> bool:
        if signal.value is None or signal.reference is None:
            return False
        if signal.has_learned and signal.strangeness > self._tuning.switch:
            return True
        greater = max(abs(signal.value), abs(signal.reference))
        change = abs(signal.value - signal.reference)
        return signal.name in self._flows and greater > 0 and change >= self._tuning.switch_share * greater

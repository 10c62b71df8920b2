"""Whether a probe itself is sick: stuck, noisy, or in water it is not made for. Pure; sample by sample.

**Stuck.** A real instrument always moves in its last digits, and the samples behind one reading never all agree for
ever. Two things are looked for. *Frozen*: not the least step in the signal, and no spread, for hours: a hung
converter, a probe that repeats one register. Nothing sound does that, so it fails. *Flat*: the value stays within
the resolution of its model for days, however its last digits tremble: a broken electrode, a lead that picks up its
neighbour. Very steady water can look so, so it is only suspect.

**Invariants**
* A signal that moves is never frozen, a value that moves beyond the resolution never flat; either ends at once.
* Standing water proves nothing about a probe, nor does a stretch in which nobody looked: both begin anew.
* Where clear water is nought there is nothing below to move to: a turbidity at nought is not stuck here, and
  `edge.selfcheck_nought` looks after it. A pH that is nought is no water.
"""

from dataclasses import dataclass, field

from waterquality.flags import Flag, Screened, Why
from waterquality.limits import Capability
from waterquality.readings import Reading

SOUND = Screened(Flag.GOOD)
_FROZEN = Screened(Flag.FAIL, Why.PROBE_STUCK)
_FLAT = Screened(Flag.SUSPECT, Why.PROBE_STUCK)
_NOISY = Screened(Flag.SUSPECT, Why.PROBE_NOISY)
_OUT_OF_ITS_RANGE = Screened(Flag.SUSPECT, Why.TEMPERATURE_OUT_OF_RANGE)
_NOISY_FROM = 3  # in a row
_QUIET_AGAIN = 0.7  # of what is noisy: so much quieter must it be to count as quiet again
_BACK_INSIDE_CELSIUS = 0.5
_ENOUGH = 8
_ROUNDING = 1e-9  # of the resolution: decimal numbers are not kept exactly


@dataclass(slots=True)
class _Stillness:
    """For how long a number has stayed within a tolerance of where it was when that began.

    A few numbers prove nothing, however far apart they were taken: they may agree by chance.

    Attributes:
        tolerance: how far it may stray; 0: not at all.
        longest_gap_s: seconds between two numbers beyond which nothing is known of the time between.
    """

    tolerance: float
    longest_gap_s: float
    _anchor: float = field(default=0.0, init=False)
    _since_s: float | None = field(default=None, init=False)
    _seen_s: float = field(default=0.0, init=False)
    _times: int = field(default=0, init=False)

    def lasted_s(self, at_s: float, number: float) -> float:
        """Seconds that it has stayed still, this number included."""
        is_followed = 0.0 <= at_s - self._seen_s <= self.longest_gap_s
        if self._since_s is None or not is_followed or abs(number - self._anchor) > self.tolerance:
            self._since_s, self._anchor, self._times = at_s, number, 0
        self._seen_s, self._times = at_s, self._times + 1
        return at_s - self._since_s if self._times >= _ENOUGH else 0.0

    def forget(self) -> None:
        """Begin anew with the next number."""
        self._since_s = None


def is_at_nought(reading: Reading, capability: Capability) -> bool:
    """Whether a probe shows the lowest that it can, where that is a value that clear water may have.

    Args:
        reading: of the probe.
        capability: of its model; one that tells any value from zero, as for pH, has no nought.
    """
    if reading.value is None or capability.detection_limit <= 0:
        return False
    return reading.raw == 0.0 or reading.value <= capability.span[0]


class Stuck:
    """Whether a probe still answers to the water.

    Args:
        capability: of its model.
        resolution: of its model, in the parameter's unit.
        frozen_after_s: seconds without the least step after which it is frozen.
        flat_after_s: seconds within the resolution after which it is flat.
        longest_gap_s: seconds between two readings beyond which nothing is known of the time between.
    """

    def __init__(
        self,
        capability: Capability,
        *,
        resolution: float,
        frozen_after_s: float,
        flat_after_s: float,
        longest_gap_s: float,
    ) -> None:
        self._capability = capability
        self._frozen_after_s, self._flat_after_s = frozen_after_s, flat_after_s
        self._signal = _Stillness(0.0, longest_gap_s)
        self._value = _Stillness(resolution * (1 + _ROUNDING), longest_gap_s)

    def judge(self, at_s: float, reading: Reading, *, stands: bool) -> Screened:
        """Judge one reading.

        Args:
            at_s: when it was taken, in seconds of a clock that never jumps.
            reading: of one and the same probe.
            stands: whether the water is known to stand still.
        """
        if reading.value is None:
            return SOUND
        signal = reading.value if reading.raw is None else reading.raw
        rests = is_at_nought(reading, self._capability)
        frozen_s = self._lasted_s(self._signal, at_s, signal, is_void=stands or rests or bool(reading.spread))
        lowest, least_seen = self._capability.span[0], self._capability.detection_limit
        sees_nothing = rests or (least_seen > 0 and abs(reading.value - lowest) <= least_seen)
        flat_s = self._lasted_s(self._value, at_s, reading.value, is_void=stands or sees_nothing)
        if frozen_s > self._frozen_after_s:
            return _FROZEN
        return _FLAT if flat_s > self._flat_after_s else SOUND

    @staticmethod
    def _lasted_s(stillness: _Stillness, at_s: float, number: float, *, is_void: bool) -> float:
        if is_void:
            stillness.forget()
            return 0.0
        return stillness.lasted_s(at_s, number)


class Noisy:
    """Whether the samples of a reading lie farther apart than the probe is uncertain, reading after reading.

    One such reading may be a bubble. It begins with the third in a row and ends when they are clearly quieter.

    Args:
        capability: of its model.
        beyond: how many times its uncertainty they may lie apart.
    """

    def __init__(self, capability: Capability, *, beyond: float) -> None:
        self._capability, self._beyond = capability, beyond
        self._in_a_row = 0

    def judge(self, reading: Reading) -> Screened:
        """Judge one reading; one without a spread leaves it as it was, and is itself not judged."""
        if reading.value is None or reading.spread is None:
            return SOUND
        most = self._beyond * self._capability.uncertainty_at(reading.value)
        most *= _QUIET_AGAIN if self._in_a_row >= _NOISY_FROM else 1.0
        self._in_a_row = self._in_a_row + 1 if reading.spread > most else 0
        return _NOISY if self._in_a_row >= _NOISY_FROM else SOUND


class Temperature:
    """Whether the water has a temperature that the probe is made for.

    Args:
        operates_celsius: from and to, in °C.
    """

    def __init__(self, operates_celsius: tuple[float, float]) -> None:
        self._span = operates_celsius
        self._is_outside = False

    def judge(self, temperature: Reading | None) -> Screened:
        """Judge by the water's temperature; one that is unknown or failed doubts nothing."""
        if temperature is None or temperature.value is None or temperature.flag is Flag.FAIL:
            return SOUND
        inset = _BACK_INSIDE_CELSIUS if self._is_outside else 0.0
        low, high = self._span
        self._is_outside = not low + inset <= temperature.value <= high - inset
        return _OUT_OF_ITS_RANGE if self._is_outside else SOUND

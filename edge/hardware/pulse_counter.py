"""A pin that counts, through gpiozero: every pulse once, at the instant the kernel saw it.

gpiozero's pin calls back with the tick of the edge; with lgpio that is the kernel's own stamp, so a Python that
comes late to it counts no less and times no worse. The counter listens at the pin and not through
`DigitalInputDevice`, which passes over an edge whose opposite it has missed and asks for both. The kernel is told
to report only the edge that counts: one call a pulse.

No `bounce_time` anywhere: it drops edges. What comes too soon after the edge before is counted, and said to be
crowded; what to make of that is the flow's affair. A reed contact that bounces needs a capacitor.
"""

from math import inf
from time import monotonic

from gpiozero import InputDevice

from edge.probes.inputs import FASTEST_HZ, ProbeDisconnected, Pulses

_LATEST_S = 60.0  # no call back comes later than that; a tick farther off is of another clock


class PulseCounter:
    """A `PulseInput` on a pin; it counts from the moment it is made.

    Args:
        pin: GPIO number.
        pull_up: whether the Pi pulls the pin up; a pulse is then a fall to 0 V, else a rise.
        fastest_hz: the most pulses a second that the meter gives; edges closer than half a period are crowded.
    """

    def __init__(self, pin: int, *, pull_up: bool, fastest_hz: float = FASTEST_HZ) -> None:
        self._shortest_s = 0.5 / fastest_hz
        self._seen = (0, -inf, 0)  # one tuple, so that a reader never sees half of a pulse
        self._device = InputDevice(pin, pull_up=pull_up)
        self._device.pin.edges = "falling" if pull_up else "rising"
        self._device.pin.when_changed = self._add_one

    def _add_one(self, tick_s: float, _state: int) -> None:
        count, before_s, crowded = self._seen
        now_s = monotonic()
        edge_s = tick_s if now_s - _LATEST_S < tick_s <= now_s else now_s
        self._seen = count + 1, edge_s, crowded + (edge_s - before_s < self._shortest_s)

    def read(self) -> Pulses:
        """Pulses since it was made.

        Raises:
            ProbeDisconnected: it was closed; mended by the operator.
        """
        if self._device.closed:
            raise ProbeDisconnected("the pin was let go")
        count, edge_s, crowded = self._seen
        last_edge_s = edge_s if count else None
        return Pulses(count=count, last_edge_s=last_edge_s, read_s=monotonic(), crowded=crowded)

    def close(self) -> None:
        """Let go of the pin."""
        if not self._device.closed:
            self._device.pin.when_changed = None  # lgpio's pin would go on calling
            self._device.close()

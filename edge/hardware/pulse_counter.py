"""A pin that counts, through gpiozero.

The callback runs in gpiozero's own thread and only adds one. No `bounce_time`: a turbine at full flow gives
225 pulses a second, and a Hall sensor does not bounce; a reed contact needs a capacitor, not a timer.
"""

from gpiozero import DigitalInputDevice

from edge.probes.inputs import ProbeDisconnected


class PulseCounter:
    """A `PulseInput` on a pin; it counts from the moment it is made.

    Args:
        pin: GPIO number.
        pull_up: whether the Pi pulls the pin up; a pulse is then a fall to 0 V, else a rise.
    """

    def __init__(self, pin: int, *, pull_up: bool) -> None:
        self._count = 0
        self._device = DigitalInputDevice(pin, pull_up=pull_up)
        self._device.when_activated = self._add_one

    def _add_one(self) -> None:
        self._count += 1

    def count(self) -> int:
        """Pulses since it was made.

        Raises:
            ProbeDisconnected: it was closed; mended by the operator.
        """
        if self._device.closed:
            raise ProbeDisconnected("the pin was let go")
        return self._count

    def close(self) -> None:
        """Let go of the pin."""
        self._device.close()

"""A pin that switches a probe's power, through gpiozero. Off when it is made, and off when it is let go."""

from time import monotonic

from gpiozero import OutputDevice

from edge.probes.inputs import ProbeDisconnected


class GpioSwitch:
    """A `PowerSwitch` on a pin.

    Args:
        pin: GPIO number, of a transistor or relay; a pin feeds no probe itself.
        active_high: whether 3.3 V at the pin switches the power on; else 0 V does.
    """

    def __init__(self, pin: int, *, active_high: bool) -> None:
        self._device = OutputDevice(pin, active_high=active_high, initial_value=False)
        self._on_since_s: float | None = None

    def turn(self, *, on: bool) -> None:
        """Switch the power on or off.

        Raises:
            ProbeDisconnected: it was closed; mended by the operator.
        """
        if self._device.closed:
            raise ProbeDisconnected("the pin was let go")
        if on is (self._on_since_s is not None):
            return
        self._device.value = on
        self._on_since_s = monotonic() if on else None

    def on_for_s(self) -> float | None:
        """For how many seconds the power has been on; None while it is off."""
        return None if self._on_since_s is None else monotonic() - self._on_since_s

    def close(self) -> None:
        """Switch the power off and let go of the pin."""
        if not self._device.closed:
            self.turn(on=False)
            self._device.close()

"""The light at the tap through gpiozero: one LED, or one with three colours. Switched on and off, never dimmed.

Dimming would take a timer of its own for each pin all year long; three colours that are on or off are enough
for what is to be said.
"""

from types import MappingProxyType

from gpiozero import LED, RGBLED

from edge.light import Colour
from edge.probes.hardware import HardwareUnavailable
from firmware_config.lights import LedLight, RgbLight

_RED_GREEN_BLUE = MappingProxyType(
    {Colour.BLUE: (0, 0, 1), Colour.YELLOW: (1, 1, 0), Colour.WHITE: (1, 1, 1), None: (0, 0, 0)}
)


class LedLamp:
    """A `Lamp` of one colour.

    Args:
        wiring: its pin.
    """

    def __init__(self, wiring: LedLight) -> None:
        self._device = LED(wiring.pin, active_high=wiring.active_high)

    def show(self, colour: Colour | None) -> None:
        """Light up, in the colour it has; None is dark."""
        if colour is None:
            self._device.off()
        else:
            self._device.on()

    def close(self) -> None:
        """Go dark and let go of the pin."""
        self._device.close()


class RgbLamp:
    """A `Lamp` of three colours.

    Args:
        wiring: its pins.
    """

    def __init__(self, wiring: RgbLight) -> None:
        self._device = RGBLED(
            wiring.red, wiring.green, wiring.blue, active_high=wiring.active_high, pwm=False
        )

    def show(self, colour: Colour | None) -> None:
        """Light up in a colour; None is dark."""
        self._device.value = _RED_GREEN_BLUE[colour]

    def close(self) -> None:
        """Go dark and let go of the pins."""
        self._device.close()


def open_lamp(wiring: LedLight | RgbLight) -> LedLamp | RgbLamp:
    """The lamp that is wired.

    Raises:
        HardwareUnavailable: a pin cannot be opened; mended by the operator.
    """
    try:
        return LedLamp(wiring) if isinstance(wiring, LedLight) else RgbLamp(wiring)
    except Exception as error:  # gpiozero, lgpio and the kernel each have a root of their own
        raise HardwareUnavailable(f"the light cannot be opened: {error!r}") from error

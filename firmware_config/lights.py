"""The light at the tap: of one LED, or of three colours."""

from typing import Literal

from firmware_config.parts import Part, Pin


class LedLight(Part):
    """A light of one colour.

    Attributes:
        kind: `led`.
        pin: its GPIO.
        active_high: whether 3.3 V lights it; else 0 V does.
    """

    kind: Literal["led"]
    pin: Pin
    active_high: bool = True


class RgbLight(Part):
    """A light of three colours.

    Attributes:
        kind: `rgb`.
        red: GPIO of the red one.
        green: of the green one.
        blue: of the blue one.
        active_high: whether 3.3 V lights them (a common cathode); else 0 V does (a common anode).
    """

    kind: Literal["rgb"]
    red: Pin
    green: Pin
    blue: Pin
    active_high: bool = True

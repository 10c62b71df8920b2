"""Both lamps on gpiozero's mock pins keep the promises of a lamp."""

import pytest
from gpiozero.pins.mock import MockFactory

from edge.hardware.light import open_lamp
from edge.light import Colour
from edge.probes.hardware import HardwareUnavailable
from firmware_config.lights import LedLight, RgbLight

LED = LedLight(kind="led", pin=22)
RGB = RgbLight(kind="rgb", red=22, green=23, blue=24)


@pytest.mark.parametrize("wiring", [LED, RGB], ids=["led", "rgb"])
@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("colour", list(Colour))
def test_a_lamp_is_dark_lights_up_and_goes_dark(pins: MockFactory, wiring, active_high, colour) -> None:
    lamp = open_lamp(wiring.model_copy(update={"active_high": active_high}))
    used = [pins.pin(number) for number in ((22,) if wiring is LED else (22, 23, 24))]

    def lit() -> list[bool]:
        return [bool(pin.state) is active_high for pin in used]

    assert not any(lit())
    lamp.show(colour)
    assert any(lit())
    lamp.show(None)
    assert not any(lit())
    lamp.close()


@pytest.mark.parametrize(
    ("colour", "red_green_blue"),
    [(Colour.BLUE, (0, 0, 1)), (Colour.YELLOW, (1, 1, 0)), (Colour.WHITE, (1, 1, 1))],
)
def test_three_colours(pins: MockFactory, colour: Colour, red_green_blue: tuple[int, ...]) -> None:
    lamp = open_lamp(RGB)

    lamp.show(colour)

    assert tuple(int(pins.pin(number).state) for number in (22, 23, 24)) == red_green_blue
    lamp.close()


def test_a_pin_that_is_taken_is_said(pins: MockFactory) -> None:
    first = open_lamp(LED)

    with pytest.raises(HardwareUnavailable, match="the light cannot be opened"):
        open_lamp(LED)
    first.close()

"""The Pi's pins and converters through gpiozero, whose pin factory (lgpio, a mock) decides what is real."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.hardware.kernel_line import KernelCounter
from edge.hardware.mcp3008 import Mcp3008Channel
from edge.hardware.power_switch import GpioSwitch
from edge.hardware.pulse_counter import PulseCounter
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import FASTEST_HZ, VoltageInput
from firmware_config.catalogues import Phrase, said
from firmware_config.parts import Mcp3008


class GpioHardware:
    """The part of `Hardware` that gpiozero drives. Nothing is opened until it is asked for.

    Args:
        converters: on SPI, by name.
        header: the chip whose kernel lines count pulses; None: gpiozero counts them.
    """

    def __init__(self, converters: Mapping[str, Mcp3008], *, header: Path | None = None) -> None:
        self._converters, self._header = converters, header
        self._open: list[Mcp3008Channel | PulseCounter | KernelCounter | GpioSwitch] = []

    def voltage(self, *, converter: str, channel: int) -> VoltageInput:
        """Open a channel of a converter.

        Args:
            converter: its name in the configuration.
            channel: 0 to 7.

        Raises:
            HardwareUnavailable: no such converter, or its bus cannot be opened; mended by the operator.
        """
        what = said("channel %(channel)d of converter %(converter)s", channel=channel, converter=converter)
        with _said_plainly(what):
            opened = Mcp3008Channel(self._converters[converter], channel)
        self._open.append(opened)
        return opened

    def pulses(
        self, *, pin: int, pull_up: bool, fastest_hz: float = FASTEST_HZ
    ) -> PulseCounter | KernelCounter:
        """Open a pin and count its pulses from now on.

        Args:
            pin: GPIO number.
            pull_up: whether the pin is pulled up; else it is pulled down.
            fastest_hz: the most pulses a second that the meter gives.

        Raises:
            HardwareUnavailable: the pin is taken or cannot be opened; mended by the operator.
        """
        with _said_plainly(f"GPIO{pin}"):
            opened = self._counter(pin, pull_up=pull_up, fastest_hz=fastest_hz)
        self._open.append(opened)
        return opened

    def _counter(self, pin: int, *, pull_up: bool, fastest_hz: float) -> PulseCounter | KernelCounter:
        if self._header is None:
            return PulseCounter(pin, pull_up=pull_up, fastest_hz=fastest_hz)
        return KernelCounter(self._header, pin, pull_up=pull_up, fastest_hz=fastest_hz)

    def switch(self, *, pin: int, active_high: bool) -> GpioSwitch:
        """Open a pin that switches a probe's power; it begins switched off.

        Args:
            pin: GPIO number.
            active_high: whether 3.3 V switches the power on; else 0 V does.

        Raises:
            HardwareUnavailable: the pin is taken or cannot be opened; mended by the operator.
        """
        with _said_plainly(f"GPIO{pin}"):
            opened = GpioSwitch(pin, active_high=active_high)
        self._open.append(opened)
        return opened

    def close(self) -> None:
        """Let go of every input it opened."""
        while self._open:
            self._open.pop().close()
        # A shared SPI bus of gpiozero 2.0.1 sits in a reference cycle; collected later, it would strike a bus
        # that was opened since off the register, and the next channel would find its pins in use.
        gc.collect()


@contextmanager
def _said_plainly(what: str | Phrase) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # gpiozero, lgpio and the kernel each have a root of their own
        why = said("%(what)s cannot be opened: %(why)s", what=what, why=repr(error))
        raise HardwareUnavailable(why) from error

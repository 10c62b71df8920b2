"""An MCP3008 on gpiozero's mock pins, spoken to bit by bit, and the mock pins themselves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockSPIDevice

_COMMAND_BITS = 5  # start, single-ended, three of the channel
_REPLY_BITS = 12  # sampling, null bit, ten of the code


@contextmanager
def mock_pins() -> Iterator[MockFactory]:
    """Mock pins for as long as it lasts; the factory that was there before comes back."""
    before = Device.pin_factory
    factory = MockFactory()
    Device.pin_factory = factory
    try:
        yield factory
    finally:
        gc.collect()  # what gpiozero shares sits in reference cycles; its late end would spoil the next test
        factory.reset()
        Device.pin_factory = before


class FakeMcp3008(MockSPIDevice):
    """Answers with `codes[channel]` to a single-ended request, as DS21295 draws it."""

    def __init__(self, *, select_pin: int = 8) -> None:
        super().__init__(clock_pin=11, mosi_pin=10, miso_pin=9, select_pin=select_pin)
        self.codes = [0] * 8
        self._command: list[int] = []

    def put_volts(self, channel: int, volts: float, *, reference_volts: float = 3.3) -> None:
        """What the chip makes of a voltage: 1024 times volts over reference, whole, at most 1023."""
        self.codes[channel] = min(1023, int(1024 * volts / reference_volts))

    def on_start(self) -> None:
        super().on_start()
        self._command = []

    def on_bit(self) -> None:
        bit = int(self.rx_buf[-1])
        if len(self._command) == _COMMAND_BITS or not (self._command or bit):
            return
        self._command.append(bit)
        if len(self._command) == _COMMAND_BITS:
            _, single_ended, high, middle, low = self._command
            if single_ended:
                self.tx_word(self.codes[4 * high + 2 * middle + low], _REPLY_BITS)

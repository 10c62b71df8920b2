"""One channel of an ADS1115: 16 bits over I2C, four channels.

Facts from Texas Instruments, ADS111x, SBAS444: register 0 holds the conversion, register 1 the configuration
(table 8: OS, MUX, PGA, MODE, DR, comparator); in single-shot mode a written OS bit starts a conversion, and the bit
reads 1 again when it is done. Codes are two's complement, 32768 steps for the full scale. Each reading asks anew,
because channels share the one converter.

Invariants: the wait is bounded; a configuration that reads back otherwise belongs to somebody else's question, and
its answer is not taken for ours.
"""

from edge.hardware.i2c import I2cBus, Pause
from edge.probes.inputs import ProbeDisconnected, ProbeFault
from firmware_config.buses import Ads1115

_CONVERSION, _CONFIG = 0, 1
_STEPS = 32_768
_WORD = 65_536
_START = 0x8000  # written: begin; read: done
_SINGLE_ENDED = 0b100  # MUX: channel against ground
_SINGLE_SHOT = 1 << 8
_NO_COMPARATOR = 0b11
_GAINS = {6.144: 0, 4.096: 1, 2.048: 2, 1.024: 3, 0.512: 4, 0.256: 5}
_RATES = {8: 0, 16: 1, 32: 2, 64: 3, 128: 4, 250: 5, 475: 6, 860: 7}
# The oscillator is true to 10 %, and after waking it needs 25 us.
_SLOWEST = 1.1
_LOOKS = 8


class Ads1115Channel:
    """A `VoltageInput` on a channel.

    Args:
        bus: that it hangs on.
        wiring: the chip's.
        channel: 0 to 3.
        pause: waits for so many seconds.
    """

    def __init__(self, bus: I2cBus, wiring: Ads1115, channel: int, *, pause: Pause) -> None:
        self._bus, self._address, self._pause = bus, wiring.address, pause
        self._volts_per_step = wiring.full_scale_volts[channel] / _STEPS
        self._conversion_s = _SLOWEST / wiring.data_rate
        self._request = (
            _START
            | (_SINGLE_ENDED | channel) << 12
            | _GAINS[wiring.full_scale_volts[channel]] << 9
            | _SINGLE_SHOT
            | _RATES[wiring.data_rate] << 5
            | _NO_COMPARATOR
        )
        self._is_open = True

    def read_volts(self) -> float:
        """The voltage on the channel now: a few steps below 0 V up to its full scale or its supply.

        Raises:
            ProbeDisconnected: the chip does not answer; mended by the operator.
            ProbeFault: it never finishes, or somebody else uses it; mended by the operator.
        """
        if not self._is_open:
            raise ProbeDisconnected("the channel was let go")
        with self._bus.alone():
            self._bus.write_word(self._address, _CONFIG, self._request)
            self._wait()
            code = self._bus.read_word(self._address, _CONVERSION)
        return (code - _WORD if code >= _STEPS else code) * self._volts_per_step

    def close(self) -> None:
        """Let go of the channel; the bus is another's to close."""
        self._is_open = False

    def _wait(self) -> None:
        for _ in range(_LOOKS):
            self._pause(self._conversion_s)
            config = self._bus.read_word(self._address, _CONFIG)
            if (config ^ self._request) & ~_START:
                raise ProbeFault(
                    f"the converter at {self._address:#04x} is used by somebody else ({config:#06x})"
                )
            if config & _START:
                return
        raise ProbeFault(f"the converter at {self._address:#04x} does not come to an end")

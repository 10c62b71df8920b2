"""One channel of an MCP3008 through gpiozero: 10 bits over SPI, eight channels.

Volts are the code times VREF / 1024 (DS21295, the sections on reference input and digital output code: the
code is 1024 times the input over VREF). gpiozero's own `voltage` reports the middle of a code's bucket over
1023.5 steps and so gives 1.6 mV for nothing at all; it is not used. VREF is the converter's; a divider before
the channel is none of its business (`edge.probes.inputs.Divided`).
"""

from gpiozero import MCP3008

from edge.probes.inputs import ProbeDisconnected
from firmware_config.parts import Mcp3008

_STEPS = 1024


class Mcp3008Channel:
    """A `VoltageInput` on a channel; opening it opens the SPI bus, which channels share.

    Args:
        wiring: where the converter hangs.
        channel: 0 to 7.
    """

    def __init__(self, wiring: Mcp3008, channel: int) -> None:
        self._reference_volts = wiring.reference_volts
        self._device = MCP3008(
            channel=channel,
            clock_pin=wiring.clock_pin,
            mosi_pin=wiring.mosi_pin,
            miso_pin=wiring.miso_pin,
            select_pin=wiring.select_pin,
        )

    def read_volts(self) -> float:
        """The voltage on the channel now, 0 to VREF.

        Raises:
            ProbeDisconnected: the bus does not answer; mended by the operator.
        """
        try:
            code = int(self._device.raw_value)
        except Exception as error:  # spidev raises OSError, lgpio a root of its own, gpiozero another
            raise ProbeDisconnected(f"the converter does not answer: {error}") from error
        return code * self._reference_volts / _STEPS

    def close(self) -> None:
        """Let go of the channel."""
        self._device.close()

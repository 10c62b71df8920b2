"""All that a Raspberry Pi has for probes: pins and SPI through gpiozero, I2C, serial lines, the 1-wire folder.

What belongs to the Pi must be there when it is asked for, and says what switches it on; what hangs at the end of a
cable may come later.
"""

import time
from collections.abc import Callable
from pathlib import Path

from edge.hardware.ads1115 import Ads1115Channel
from edge.hardware.ezo import EzoCircuit
from edge.hardware.gpio import GpioHardware
from edge.hardware.i2c import I2cBus, Pause, open_i2c
from edge.hardware.kernel_line import header_chip
from edge.hardware.modbus import ModbusLine, ModbusProbe, check_port
from edge.hardware.one_wire import FOLDER, OneWireThermometer
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import VoltageInput
from firmware_config.buses import Ads1115
from firmware_config.device import DeviceConfig
from firmware_config.parts import Mcp3008


class PiHardware(GpioHardware):
    """`Hardware` on a Raspberry Pi. Nothing is opened until it is asked for.

    Args:
        config: what is wired.
        pause: waits for so many seconds.
        open_bus: opens an I2C bus by its number.
        one_wire: where the kernel lists what is on the 1-wire bus.
    """

    def __init__(
        self,
        config: DeviceConfig,
        *,
        pause: Pause = time.sleep,
        open_bus: Callable[[int], I2cBus] | None = None,
        one_wire: Path = FOLDER,
    ) -> None:
        spi = {name: chip for name, chip in config.converters.items() if isinstance(chip, Mcp3008)}
        super().__init__(spi, header=header_chip())
        self._config, self._pause, self._one_wire = config, pause, one_wire
        self._open_bus = open_bus or (lambda number: open_i2c(number, pause=pause))
        self._buses: dict[int, I2cBus] = {}
        self._lines: dict[str, ModbusLine] = {}
        self._let_go: list[Callable[[], None]] = []

    def voltage(self, *, converter: str, channel: int) -> VoltageInput:
        """Open a channel of a converter; an ADS1115 itself is not asked before it is read.

        Raises:
            HardwareUnavailable: no such converter, or its bus cannot be opened; mended by the operator.
        """
        chip = self._config.converters.get(converter)
        if not isinstance(chip, Ads1115):
            return super().voltage(converter=converter, channel=channel)
        opened = Ads1115Channel(self._bus(chip.bus), chip, channel, pause=self._pause)
        self._let_go.append(opened.close)
        return opened

    def circuit(self, *, bus: int, address: int) -> EzoCircuit:
        """A circuit on an I2C bus; it is not asked before it is read.

        Raises:
            HardwareUnavailable: the bus cannot be opened; mended by the operator.
        """
        opened = EzoCircuit(self._bus(bus), address, pause=self._pause)
        self._let_go.append(opened.close)
        return opened

    def registers(self, *, line: str, unit: int) -> ModbusProbe:
        """A probe on a serial line, which is opened when it is first read.

        Raises:
            HardwareUnavailable: the port may not be used, or is none; mended by the operator.
        """
        return ModbusProbe(self._line(line), unit)

    def thermometer(self, *, sensor: str, family: str) -> OneWireThermometer:
        """A thermometer on the 1-wire bus.

        Raises:
            HardwareUnavailable: there is no 1-wire bus; mended by the operator.
        """
        if not self._one_wire.is_dir():
            mend = "switch it on with `dtoverlay=w1-gpio` in config.txt"
            raise HardwareUnavailable(f"there is no 1-wire bus ({self._one_wire}): {mend}")
        opened = OneWireThermometer(self._one_wire, sensor, family=family)
        self._let_go.append(opened.close)
        return opened

    def close(self) -> None:
        """Let go of every input it opened, and of what they hang on."""
        while self._let_go:
            self._let_go.pop()()
        super().close()

    def _bus(self, number: int) -> I2cBus:
        if number not in self._buses:
            try:
                bus = self._buses[number] = self._open_bus(number)
            except OSError as error:
                mend = "switch it on with `dtparam=i2c_arm=on` in config.txt, and be in the group i2c"
                raise HardwareUnavailable(f"I2C bus {number} cannot be opened ({error}): {mend}") from error
            self._let_go += [bus.close, self._buses.clear]
        return self._buses[number]

    def _line(self, name: str) -> ModbusLine:
        if name not in self._lines:
            settings = self._config.line(name)
            try:
                check_port(settings.port)
            except OSError as error:
                mend = "name a serial port, and be in the group dialout"
                raise HardwareUnavailable(f"line {name} cannot be opened ({error}): {mend}") from error
            line = self._lines[name] = ModbusLine(settings, pause=self._pause)
            self._let_go += [line.close, self._lines.clear]
        return self._lines[name]

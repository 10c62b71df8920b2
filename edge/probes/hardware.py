"""The port of a device's hardware: it makes the inputs that probes hang on. Real, simulated or none at all."""

from typing import Protocol

from edge.probes.inputs import (
    FASTEST_HZ,
    Circuit,
    PowerSwitch,
    PulseInput,
    RegisterInput,
    Thermometer,
    VoltageInput,
)
from waterquality.errors import ConfigError


class HardwareUnavailable(ConfigError):
    """What the configuration names cannot be opened on this machine; mended by the operator."""


class Hardware(Protocol):
    """Makes the inputs that probes hang on, and owns them.

    What belongs to the machine (a bus, a pin, a permission) must be there when an input is made; what hangs at the
    end of a cable may come later, and until then its input raises `ProbeDisconnected`.
    """

    def voltage(self, *, converter: str, channel: int) -> VoltageInput:
        """Open a channel of a converter.

        Args:
            converter: its name in the configuration.
            channel: from 0.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def pulses(self, *, pin: int, pull_up: bool, fastest_hz: float = FASTEST_HZ) -> PulseInput:
        """Open a pin and count its pulses from now on.

        Args:
            pin: GPIO number.
            pull_up: whether the pin is pulled up; else it is pulled down.
            fastest_hz: the most pulses a second that the meter gives.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def switch(self, *, pin: int, active_high: bool) -> PowerSwitch:
        """Open a pin that switches a probe's power; it begins switched off.

        Args:
            pin: GPIO number.
            active_high: whether 3.3 V switches the power on; else 0 V does.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def registers(self, *, line: str, unit: int) -> RegisterInput:
        """A Modbus probe.

        Args:
            line: name of its line in the configuration.
            unit: its address on the line.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def circuit(self, *, bus: int, address: int) -> Circuit:
        """A circuit that is asked in words.

        Args:
            bus: number of its I2C bus.
            address: its I2C address.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def thermometer(self, *, sensor: str, family: str) -> Thermometer:
        """A thermometer on the 1-wire bus.

        Args:
            sensor: its id, or `only`.
            family: the first two digits of the id of its model.

        Raises:
            HardwareUnavailable: mended by the operator.
        """
        ...

    def close(self) -> None:
        """Let go of every input it made; they give no more readings."""
        ...

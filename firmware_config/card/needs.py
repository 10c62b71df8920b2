"""What a device's wiring asks of the Pi itself: which buses have to be switched on before a probe can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from firmware_config.device import DeviceConfig

# The Pi's own SPI bus; other pins are driven by the program itself.
_OWN_SPI = {"clock_pin": 11, "mosi_pin": 10, "miso_pin": 9}
_OWN_UART = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")


@dataclass(frozen=True, slots=True)
class Needs:
    """Buses of the Pi.

    Attributes:
        spi: the Pi's own SPI bus.
        i2c: the I2C bus of the header.
        one_wire: the GPIOs of 1-wire buses.
        uart: the serial line on GPIO14 and GPIO15, which the kernel's console must then leave alone.
    """

    spi: bool = False
    i2c: bool = False
    one_wire: tuple[int, ...] = ()
    uart: bool = False


def needs_of(config: DeviceConfig) -> Needs:
    """What the parts of a device need, told by their keys in the file."""
    tables = tuple(_tables(config.model_dump()))
    return Needs(
        spi=any(_OWN_SPI.items() <= table.items() for table in tables),
        i2c=any("bus" in table and "address" in table for table in tables),
        one_wire=tuple(sorted({table["data_pin"] for table in tables if "data_pin" in table})),
        uart=any(table.get("port") in _OWN_UART for table in tables),
    )


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        flat = {key: held for key, held in value.items() if not isinstance(held, Mapping | tuple | list)}
        yield flat
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for held in value:
            yield from _tables(held)

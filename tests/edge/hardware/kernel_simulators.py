"""The kernel's own simulators, where somebody has loaded them and says that tests may use them.

Nothing here loads a module. `modprobe i2c-stub chip_addr=0x48` makes a bus with a chip that keeps what is written;
name the bus in `TSKARO_TEST_I2C_STUB`, e.g. 11 for /dev/i2c-11. Without it the tests skip, saying so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from smbus2 import SMBus

_I2C = "TSKARO_TEST_I2C_STUB"


@dataclass(frozen=True)
class I2cStub:
    """A chip of i2c-stub."""

    bus: int
    address: int
    smbus: SMBus

    def put_word(self, register: int, word: int) -> None:
        """A big-endian register of 16 bits."""
        self.smbus.write_word_data(self.address, register, (word & 0xFF) << 8 | word >> 8)


@contextmanager
def i2c_stub(address: int) -> Iterator[I2cStub]:
    """A chip at an address, or a skip that says why there is none."""
    number = os.environ.get(_I2C, "")
    name = Path(f"/sys/bus/i2c/devices/i2c-{number}/name")
    if not number:
        pytest.skip(f"no i2c-stub: load it and name its bus in {_I2C}")
    if not name.exists() or "SMBus stub" not in name.read_text():
        pytest.skip(f"{_I2C}={number} is no bus of i2c-stub")
    with SMBus(int(number)) as smbus:
        yield I2cStub(int(number), address, smbus)

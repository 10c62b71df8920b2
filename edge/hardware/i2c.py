"""The door to I2C: one bus of the Pi through smbus2.

The bus belongs to the Pi and must be there when the agent starts; what hangs on it may come later, so nothing is
asked of a chip before it is read. Registers of 16 bits are big-endian on every chip that we know, and SMBus words
are little-endian, so bytes are swapped here and nowhere else.

Invariant: a conversation (question, wait, answer) is nobody else's meanwhile. Threads wait for a lock, other
programs for a lock on the device file: a calibration in one terminal never takes the agent's answer.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from smbus2 import SMBus, i2c_msg

from edge.probes.inputs import ProbeDisconnected

Pause = Callable[[float], None]
_T = TypeVar("_T")
_TRY_AGAIN_S = 0.05
_TRIES = 100


class I2cBus:
    """One bus, on which several chips may hang.

    Args:
        smbus: an open bus of smbus2.
        pause: waits for so many seconds.
    """

    def __init__(self, smbus: SMBus, *, pause: Pause) -> None:
        self._smbus, self._pause = smbus, pause
        self._lock = threading.RLock()

    def read_word(self, address: int, register: int) -> int:
        """A register of 16 bits, 0 to 65535.

        Raises:
            ProbeDisconnected: nothing answers at the address; mended by the operator.
        """
        return _swapped(self._asked(address, lambda: self._smbus.read_word_data(address, register)))

    def write_word(self, address: int, register: int, word: int) -> None:
        """Set a register of 16 bits.

        Raises:
            ProbeDisconnected: nothing answers at the address; mended by the operator.
        """
        self._asked(address, lambda: self._smbus.write_word_data(address, register, _swapped(word)))

    def read(self, address: int, length: int) -> bytes:
        """So many bytes, as a chip sends them without a register.

        Raises:
            ProbeDisconnected: nothing answers at the address; mended by the operator.
        """
        message = i2c_msg.read(address, length)
        self._asked(address, lambda: self._smbus.i2c_rdwr(message))
        return bytes(message)

    def write(self, address: int, data: bytes) -> None:
        """Send bytes to a chip.

        Raises:
            ProbeDisconnected: nothing answers at the address; mended by the operator.
        """
        self._asked(address, lambda: self._smbus.i2c_rdwr(i2c_msg.write(address, data)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the bus for a whole conversation.

        Raises:
            ProbeDisconnected: another program does not let go of it, or it is closed; mended by the operator.
        """
        with self._lock:
            device = self._device()
            self._claim(device)
            try:
                yield
            finally:
                fcntl.flock(device, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the bus."""
        with self._lock:
            self._smbus.close()

    def _claim(self, device: int) -> None:
        for _ in range(_TRIES):
            try:
                fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._pause(_TRY_AGAIN_S)
            else:
                return
        raise ProbeDisconnected("another program holds the I2C bus")

    def _asked(self, address: int, ask: Callable[[], _T]) -> _T:
        self._device()
        try:
            return ask()
        except OSError as error:  # EREMOTEIO: no acknowledgement; ETIMEDOUT: a chip that holds the clock
            raise ProbeDisconnected(f"{address:#04x} on I2C does not answer: {error.strerror}") from error

    def _device(self) -> int:
        if self._smbus.fd is None:
            raise ProbeDisconnected("the I2C bus was let go")
        return self._smbus.fd


def open_i2c(number: int, *, pause: Pause) -> I2cBus:
    """Open a bus.

    Args:
        number: of /dev/i2c-N.
        pause: waits for so many seconds.

    Raises:
        OSError: it is not there, or not allowed; mended by the operator.
    """
    return I2cBus(SMBus(number), pause=pause)


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8

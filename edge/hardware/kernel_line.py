"""A pin that the kernel itself counts, through the character device of its GPIO chip (version 2 of the interface).

The kernel numbers every edge of a line and stamps it (CLOCK_MONOTONIC), whether or not anybody reads: the number
of the newest edge is the count. So nothing runs here between two readings, no thread and no callback, and a Python
that stands still for an hour misses no pulse; when the kernel's buffer runs over, it drops the oldest stamps and
goes on numbering. Why not lgpio: its thread looks for edges two thousand times a second, which alone costs more
than the whole agent may, and it drops what it cannot hand on (docs/performance.md).

Source: `linux/gpio.h`, `struct gpio_v2_line_request` and `gpio_v2_line_event`; Linux 5.10 and later. Is not: for
anything but counting; all else goes through gpiozero.
"""

import os
from collections.abc import Iterable
from fcntl import ioctl
from itertools import pairwise
from math import inf
from pathlib import Path
from struct import Struct
from time import monotonic

from edge.probes.inputs import FASTEST_HZ, ProbeDisconnected, Pulses

_GET_CHIP_INFO, _CHIP_INFO = 0x8044B401, Struct("=32s32sI")
_GET_LINE, _LINE_REQUEST = 0xC250B407, Struct("=64I32sQI20x240xII20xi")
_LINE_EVENT = Struct("=QIIII24x")
_INPUT, _RISING, _FALLING, _PULLED_UP, _PULLED_DOWN = 1 << 2, 1 << 4, 1 << 5, 1 << 8, 1 << 9
_BUFFERED = 1024  # as many edges as the kernel keeps for a line
_NUMBERS = 1 << 32  # an edge's number has 32 bits
_NS_PER_S = 1e9
_OF_THE_HEADER = b"pinctrl-"  # pinctrl-bcm2835, -bcm2711, -rp1: the chip of the pins, on every Pi


def header_chip(devices: Iterable[Path] | None = None) -> Path | None:
    """The chip that the pins of the Pi's header belong to; None on a machine without one.

    Args:
        devices: where to look; every GPIO chip of this machine unless given.
    """
    chips = sorted(Path("/dev").glob("gpiochip*")) if devices is None else devices
    return next((chip for chip in chips if _label_of(chip).startswith(_OF_THE_HEADER)), None)


def _label_of(chip: Path) -> bytes:
    try:
        opened = os.open(chip, os.O_RDONLY)
    except OSError:
        return b""
    try:
        info = bytearray(_CHIP_INFO.size)
        ioctl(opened, _GET_CHIP_INFO, info)
    except OSError:
        return b""
    finally:
        os.close(opened)
    return bytes(_CHIP_INFO.unpack(info)[1])


class EdgeTally:
    """What the edges that the kernel has told of come to.

    Args:
        shortest_s: edges closer than that are crowded, in seconds.
    """

    def __init__(self, shortest_s: float) -> None:
        self._shortest_s = shortest_s
        self.count, self.crowded, self.last_edge_s = 0, 0, -inf
        self._number = 0

    def take(self, told: bytes) -> None:
        """Count what was read from the line: whole events, oldest first."""
        before, stamps = self._number, [self.last_edge_s]
        for stamp_ns, _kind, _line, _of_request, number in _LINE_EVENT.iter_unpack(told):
            stamps.append(stamp_ns / _NS_PER_S)
            self._number = number
        new = (self._number - before) % _NUMBERS
        crowded = sum(late_s - early_s < self._shortest_s for early_s, late_s in pairwise(stamps))
        if new:  # of what the buffer could not hold, as many will have been crowded as of what it held
            self.crowded += round(crowded * new / (len(stamps) - 1))
        self.count, self.last_edge_s = self.count + new, stamps[-1]


class KernelCounter:
    """A `PulseInput` on a line of a chip; the kernel counts from the moment it is made.

    Args:
        chip: the chip's device.
        pin: number of the line; of a Pi's header, the GPIO.
        pull_up: whether the line is pulled up; a pulse is then a fall to 0 V, else a rise.
        fastest_hz: the most pulses a second that the meter gives; edges closer than half a period are crowded.

    Raises:
        OSError: there is no such chip or line, or somebody else holds it.
    """

    def __init__(self, chip: Path, pin: int, *, pull_up: bool, fastest_hz: float = FASTEST_HZ) -> None:
        self._tally = EdgeTally(0.5 / fastest_hz)
        self._line: int | None = _requested(
            chip, pin, _FALLING | _PULLED_UP if pull_up else _RISING | _PULLED_DOWN
        )

    def read(self) -> Pulses:
        """Pulses since it was made.

        Raises:
            ProbeDisconnected: it was closed, or the kernel gives up the line; mended by the operator.
        """
        if self._line is None:
            raise ProbeDisconnected("the pin was let go")
        read_s = self._drain(self._line)
        last_edge_s = self._tally.last_edge_s if self._tally.count else None
        return Pulses(
            count=self._tally.count, last_edge_s=last_edge_s, read_s=read_s, crowded=self._tally.crowded
        )

    def _drain(self, line: int) -> float:
        told = bytearray()
        try:
            while some := os.read(line, _BUFFERED * _LINE_EVENT.size):
                told += some
        except BlockingIOError:
            pass  # that was all
        except OSError as error:
            raise ProbeDisconnected(f"the kernel gives up the line: {error}") from error
        self._tally.take(bytes(told))
        return monotonic()

    def close(self) -> None:
        """Let go of the line."""
        if self._line is not None:
            os.close(self._line)
            self._line = None


def _requested(chip: Path, pin: int, flags: int) -> int:
    """The descriptor of a line, to be read without waiting."""
    request = bytearray(_LINE_REQUEST.pack(pin, *[0] * 63, b"tskaro", _INPUT | flags, 0, 1, _BUFFERED, -1))
    opened = os.open(chip, os.O_RDONLY)
    try:
        ioctl(opened, _GET_LINE, request)
    finally:
        os.close(opened)
    line = int(_LINE_REQUEST.unpack(request)[-1])
    os.set_blocking(line, False)
    return line

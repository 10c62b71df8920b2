"""A Modbus probe by the register map of its datasheet: is it well, and what does it show?"""

import math
import struct
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from edge.probes.inputs import ProbeFault, RegisterInput
from edge.probes.instrument import Shown
from firmware_config.signals import Register, RegisterSignal, StatusRegister

_FORMATS = MappingProxyType({"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"})
_WORD_BYTES = 2


class RegisterInstrument:
    """An `Instrument` that is read from registers.

    Args:
        source: the probe on its line.
        signal: its map.
    """

    def __init__(self, source: RegisterInput, signal: RegisterSignal) -> None:
        self._source, self._signal = source, signal

    def show(self, now: datetime) -> Shown:  # noqa: ARG002 - a register is as it is at any time
        """What it shows now, in the parameter's unit.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: what answers cannot be understood; mended by the operator.
            ProbeFault: it refuses, or says that it is not well; mended by the operator.
        """
        if self._signal.status is not None:
            self._check(self._signal.status)
        value = self._signal.value
        words = self._source.read(function=value.function, address=value.address, count=words_of(value))
        return Shown(number_in(words, value))

    def _check(self, status: StatusRegister) -> None:
        (word,) = self._source.read(function=status.function, address=status.address, count=1)
        if word & status.mask not in status.healthy:
            raise ProbeFault(f"the probe says that it is not well: status {word & status.mask:#06x}")


def words_of(register: Register) -> int:
    """How many registers make the number."""
    return struct.calcsize(_FORMATS[register.type]) // _WORD_BYTES


def number_in(words: Sequence[int], register: Register) -> float:
    """The number that registers hold, by the datasheet.

    Args:
        words: as read, as many as `words_of` says.
        register: how they make a number.

    Raises:
        ProbeFault: the number is none (NaN, infinite), which is how some probes say that they have no value.
    """
    in_order = words if register.word_order == "big" else tuple(reversed(words))
    raw = b"".join(word.to_bytes(_WORD_BYTES, register.byte_order) for word in in_order)
    number = float(struct.unpack(_FORMATS[register.type], raw)[0]) * register.scale
    if not math.isfinite(number):
        raise ProbeFault(f"the probe answers that it has no value ({number})")
    return number

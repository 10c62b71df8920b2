"""A DS18B20 through the kernel: `w1_slave` in the folder of the sensor.

The kernel (drivers/w1/slaves/w1_therm.c) starts a conversion when the file is read and answers with the nine bytes
of the scratchpad, YES or NO for their checksum, and `t=` in thousandths of a degree. Facts of the chip from Maxim's
datasheet: 85 degrees from power-on to the first conversion. That a genuine chip then has 0x0C in byte 6, and 0x10
less the low four bits of the temperature after each conversion of 12 bits, is what users found; copies of the chip
keep 0x0C, so the byte alone proves nothing, and the judgement is left to the probe, which knows what came before.

A data line at 0 V reads as nine zeros, whose checksum fits, and as 0 degrees: that is no temperature.
"""

import re
from pathlib import Path

from edge.probes.inputs import AnswerGarbled, ProbeDisconnected, ProbeFault, Warmth

FOLDER = Path("/sys/bus/w1/devices")
ONLY = "only"
_ANSWER = re.compile(r"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\n[^\n]*\bt=(-?\d+)\s*")
_AS_POWERED_ON = {0: 0x50, 1: 0x05, 6: 0x0C}
_NOBODY = -127.0  # what some kernels and copies say when no chip answers
_MILLI = 1000.0


class OneWireThermometer:
    """A `Thermometer` in a folder of the kernel's.

    Args:
        folder: where the kernel lists the sensors of the bus.
        sensor: its id, or `only` for the one that there is.
        family: the first two digits of its id.
    """

    def __init__(self, folder: Path, sensor: str, *, family: str) -> None:
        self._folder, self._sensor, self._family = folder, sensor, family
        self._is_open = True

    def read(self) -> Warmth:
        """What it measures now; takes up to 750 ms.

        Raises:
            ProbeDisconnected: it is not there or does not answer; mended by the operator.
            AnswerGarbled: the checksum does not fit; mended by the operator.
            ProbeFault: there are several and none was named; mended by the operator.
        """
        if not self._is_open:
            raise ProbeDisconnected("the thermometer was let go")
        place = self._place()
        try:
            text = (place / "w1_slave").read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ProbeDisconnected(f"{place.name} does not answer: {error}") from error
        return warmth_in(text)

    def close(self) -> None:
        """Let go of it; there is nothing to close."""
        self._is_open = False

    def _place(self) -> Path:
        if self._sensor != ONLY:
            return self._folder / self._sensor
        found = sorted(self._folder.glob(f"{self._family}-*"))
        if not found:
            raise ProbeDisconnected(f"no thermometer ({self._family}-…) on the 1-wire bus")
        if len(found) > 1:
            names = ", ".join(place.name for place in found)
            raise ProbeFault(f"there are several thermometers ({names}); say which in `sensor`")
        return found[0]


def warmth_in(text: str) -> Warmth:
    """What a `w1_slave` file says.

    Args:
        text: its two lines.

    Raises:
        ProbeDisconnected: no chip stands behind it; mended by the operator.
        AnswerGarbled: the checksum does not fit, or it is no such file; mended by the operator.
    """
    found = _ANSWER.fullmatch(text)
    if found is None:
        raise AnswerGarbled(f"no answer of a thermometer: {text[:80]!r}")
    scratchpad, celsius = bytes.fromhex(found[1]), int(found[3]) / _MILLI
    if found[2] != "YES":
        raise AnswerGarbled(f"the checksum does not fit: {found[1].strip()}")
    if not any(scratchpad) or celsius == _NOBODY:
        raise ProbeDisconnected(
            "nothing answers on the 1-wire bus: its data line is at 0 V or has no pull-up"
        )
    return Warmth(celsius, all(scratchpad[at] == byte for at, byte in _AS_POWERED_ON.items()))

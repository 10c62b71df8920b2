"""An I2C bus as smbus2 shows it, and chips on it that speak their register or text protocols, in bytes.

Time passes only through `pause`, so a chip that is asked too early answers as it would in life.
"""

import errno
import os
import tempfile
from pathlib import Path
from typing import Protocol

from edge.hardware.i2c import I2cBus

_READ = 1  # I2C_M_RD
_FULL_SCALES = {0: 6.144, 1: 4.096, 2: 2.048, 3: 1.024, 4: 0.512, 5: 0.256}
_IDEAL_MV = 59.16  # for each pH, at 25 degrees
_RATES = (8, 16, 32, 64, 128, 250, 475, 860)


class Chip(Protocol):
    """What answers at an address, byte by byte."""

    def written(self, data: bytes) -> None: ...

    def asked(self, length: int) -> bytes: ...


class FakeSmbus:
    """As much of `smbus2.SMBus` as is used; words travel low byte first, as the kernel sends them."""

    def __init__(self) -> None:
        self.chips: dict[int, Chip] = {}
        self.errors: list[OSError] = []
        self.now_s = 0.0
        handle, self.path = tempfile.mkstemp(prefix="fake-i2c-")
        self.fd: int | None = handle

    def bus(self) -> I2cBus:
        """The production bus over this one."""
        return I2cBus(self, pause=self.pause)  # type: ignore[arg-type]

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def read_word_data(self, address: int, register: int) -> int:
        self._chip(address).written(bytes([register]))
        return int.from_bytes(self._chip(address).asked(2), "little")

    def write_word_data(self, address: int, register: int, word: int) -> None:
        self._chip(address).written(bytes([register]) + word.to_bytes(2, "little"))

    def i2c_rdwr(self, message) -> None:
        chip = self._chip(message.addr)
        if not message.flags & _READ:
            chip.written(bytes(message))
            return
        for at, byte in enumerate(chip.asked(message.len)):
            message.buf[at] = bytes([byte])

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            Path(self.path).unlink()
            self.fd = None

    def _chip(self, address: int) -> Chip:
        if self.errors:
            raise self.errors.pop(0)
        if address not in self.chips:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return self.chips[address]


class FakeAds1115:
    """Converts what is on its channels, and takes its time; SBAS444, tables 6 to 8."""

    def __init__(self, clock: FakeSmbus, *, slowness: float = 1.0) -> None:
        self._clock, self._slowness = clock, slowness
        self.volts = [0.0, 0.0, 0.0, 0.0]
        self._registers = {0: 0x0000, 1: 0x8583}
        self._pointer, self._code, self._done_at_s = 0, 0, 0.0
        self.conversions = 0

    def written(self, data: bytes) -> None:
        self._pointer = data[0]
        if len(data) == 3:
            word = int.from_bytes(data[1:], "big")
            self._registers[self._pointer] = word & 0x7FFF if self._pointer == 1 else word
            if self._pointer == 1 and word & 0x8000:
                self._begin(word)

    def asked(self, length: int) -> bytes:
        word = self._registers[self._pointer]
        if self._is_done():
            self._registers[0] = self._code
            word = self._registers[0] if self._pointer == 0 else word | 0x8000
        return word.to_bytes(2, "big")[:length]

    def _begin(self, config: int) -> None:
        assert config & 0x0100, "not single-shot"
        channel = (config >> 12) - 0b1100
        full_scale = _FULL_SCALES[config >> 9 & 0b111]
        code = min(32767, max(-32768, int(self.volts[channel] / full_scale * 32768)))
        self._code = code & 0xFFFF
        self._done_at_s = self._clock.now_s + self._slowness / _RATES[config >> 5 & 0b111]
        self.conversions += 1

    def _is_done(self) -> bool:
        return self._clock.now_s >= self._done_at_s


class FakeElectrode:
    """An electrode at 25 degrees, and the line that a circuit keeps of it: two legs from the middle point."""

    def __init__(self, *, acid: float = 0.98, base: float = 0.97, offset_mv: float = 5.0) -> None:
        self._acid, self._base, self._offset_mv = acid, base, offset_mv
        self.standing_in = 7.4
        self.forget()

    def forget(self) -> None:
        self._mid, self._legs = (7.0, 0.0), {"low": _IDEAL_MV, "high": _IDEAL_MV}

    def shown(self) -> float:
        ph, mv = self._mid
        beyond = self._mv() - mv
        return ph - beyond / self._legs["low" if beyond > 0 else "high"]

    def set_at(self, point: str, ph: float) -> None:
        if point == "mid":
            self.forget()
            self._mid = (ph, self._mv())
        else:
            self._legs[point] = (self._mv() - self._mid[1]) / (self._mid[0] - ph)

    def slope(self) -> tuple[str, str, str]:
        """As a circuit says it: percent below and above, millivolts at pH 7."""
        low, high = (100 * self._legs[leg] / _IDEAL_MV for leg in ("low", "high"))
        return f"{low:.1f}", f"{high:.1f}", f"{self._mid[1]:.2f}"

    def _mv(self) -> float:
        below = 7.0 - self.standing_in
        return self._offset_mv + _IDEAL_MV * below * (self._acid if below > 0 else self._base)


class FakeEzoPh:
    """An EZO-pH circuit: commands in ASCII, codes, waits, and the leftovers of longer answers behind the NUL."""

    def __init__(
        self,
        clock: FakeSmbus,
        *,
        knows_rt: bool = True,
        slope_fields: int = 3,
        electrode: "FakeElectrode | None" = None,
    ) -> None:
        self._clock, self._knows_rt, self._slope_fields = clock, knows_rt, slope_fields
        self._electrode = electrode
        self.ph_at = lambda _: 7.0  # at a temperature
        self.temperature_c, self.points, self.commands = 25.0, set(), []
        self.forced: list[bytes] = []  # answers to come, whatever is asked
        self._answer, self._done_at_s = b"\xff", 0.0

    def restart(self) -> None:
        """Its power was away: the calibration stays, the temperature does not, and there is nothing to say."""
        self.temperature_c, self._answer = 25.0, b"\xff"

    def written(self, data: bytes) -> None:
        command = data.rstrip(b"\0").decode("ascii")
        self.commands.append(command)
        wait_s, text = self._obey(*command.lower().split(","))
        self._answer = b"\x02" if text is None else b"\x01" + text.encode("ascii")
        self._done_at_s = self._clock.now_s + wait_s

    def asked(self, length: int) -> bytes:
        if self.forced:
            answer = self.forced.pop(0)
        elif self._clock.now_s < self._done_at_s:
            answer = b"\xfe"
        else:
            answer = self._answer
        return (answer + b"\0" + b"\x37\x30\x39\xff" * length)[:length]

    def _obey(self, word: str, *given: str) -> tuple[float, str | None]:
        match word, given:
            case "r", ():
                return 0.9, f"{self._shown():.3f}"
            case "rt", (celsius,) if self._knows_rt:
                self.temperature_c = float(celsius)
                return 0.9, f"{self._shown():.3f}"
            case "t", (celsius,):
                self.temperature_c = float(celsius)
                return 0.3, ""
            case "cal", _:
                return self._calibrated(*given)
            case "slope", ("?",):
                fields = self._electrode.slope() if self._electrode else ("99.7", "100.3", "-0.89")
                return 0.3, "?Slope," + ",".join(fields[: self._slope_fields])
            case _:
                return 0.3, None

    def _shown(self) -> float:
        return self._electrode.shown() if self._electrode else self.ph_at(self.temperature_c)

    def _calibrated(self, what: str, *value: str) -> tuple[float, str | None]:
        if what == "?":
            return 0.3, f"?CAL,{len(self.points)}"
        if what == "clear":
            self.points.clear()
            if self._electrode:
                self._electrode.forget()
            return 0.3, ""
        if what not in ("mid", "low", "high") or not value:
            return 0.3, None
        self.points = {"mid"} if what == "mid" else self.points | {what}
        if self._electrode:
            self._electrode.set_at(what, float(*value))
        return 0.9, ""

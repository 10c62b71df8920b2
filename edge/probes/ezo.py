"""An EZO-pH circuit: its commands, and the instrument that it makes.

The circuit keeps calibration and temperature itself, the temperature only until its power goes; so each reading
tells it the temperature again. Where none is known it is told 25 degrees, never left with an old one, and the
reading is suspect where that could spoil it by more than the model's uncertainty.
"""

import math
from collections.abc import Callable
from datetime import datetime

from edge.compensation import REFERENCE_C, WaterTemperature, unknown, worst_nernst_error
from edge.ph_line import CalibrationPoint, Slope
from edge.probes.inputs import AnswerGarbled, Circuit, CommandRefused
from edge.probes.instrument import Shown
from firmware_config.datasheet import Datasheet
from firmware_config.signals import EzoSignal
from waterquality.errors import ProbeError
from waterquality.flags import Flag, Screened, Why

_UNCALIBRATED = Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)
_TEMPERATURE_UNKNOWN = Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)


class EzoPh:
    """The commands of an EZO-pH circuit, for measuring and for calibrating.

    Every one raises what `Circuit.ask` raises, and `AnswerGarbled` where the answer is not to the question.

    Args:
        circuit: to ask.
        signal: how long it takes.
    """

    def __init__(self, circuit: Circuit, signal: EzoSignal) -> None:
        self._circuit, self._signal = circuit, signal
        self._knows_rt = True

    def read(self, celsius: float) -> float:
        """The pH now.

        Args:
            celsius: temperature of the water, in degrees.
        """
        if self._knows_rt:
            try:
                return self._number(f"RT,{celsius:.2f}")
            except CommandRefused:  # firmware from before 2.x
                self._knows_rt = False
        self.compensate(celsius)
        return self._number("R")

    def compensate(self, celsius: float) -> None:
        """Tell it the temperature of the water, in degrees, until its power goes or it is told another."""
        self._circuit.ask(f"T,{celsius:.2f}", wait_s=self._signal.command_s)

    def calibrate(self, point: CalibrationPoint, ph: float) -> None:
        """Take what the electrode says now for the pH of the buffer that it stands in.

        Args:
            point: which point of the line it sets; `MID` wipes out the others.
            ph: of the buffer, at its temperature.
        """
        self._circuit.ask(f"Cal,{point},{ph:.2f}", wait_s=self._signal.reading_s)

    def clear(self) -> None:
        """Forget the calibration."""
        self._circuit.ask("Cal,clear", wait_s=self._signal.command_s)

    def points(self) -> int:
        """How many points it is calibrated at, 0 to 3."""
        (count,) = self._answer("Cal", 1)
        return int(count)

    def slope(self) -> Slope:
        """How near the electrode comes to the theoretical one."""
        acid, base, *offset = self._answer("Slope", 2, 3)
        return Slope(acid, base, offset[0] if offset else None)

    def _number(self, command: str) -> float:
        return _float(self._circuit.ask(command, wait_s=self._signal.reading_s))

    def _answer(self, query: str, *counts: int) -> list[float]:
        """The numbers of an answer like `?Slope,99.7,100.3`; some firmware writes it in capitals."""
        text = self._circuit.ask(f"{query},?", wait_s=self._signal.command_s)
        name, *fields = text.split(",")
        if name.lower() != f"?{query.lower()}" or len(fields) not in counts:
            raise AnswerGarbled(f"the circuit answers `{query},?` with {text!r}")
        return [_float(field) for field in fields]


class EzoPhInstrument:
    """An `Instrument`: the circuit, at the temperature of the water.

    Args:
        ph: its commands.
        sheet: its model.
        signal: the sheet's signal.
        water: temperature of the water at an instant; None where it is not known.
        points: at how many it must be calibrated; with fewer, somebody began and did not end.
    """

    def __init__(
        self,
        ph: EzoPh,
        *,
        sheet: Datasheet,
        signal: EzoSignal,
        water: Callable[[datetime], WaterTemperature | None],
        points: int = 1,
    ) -> None:
        self._ph, self._sheet, self._signal, self._water = ph, sheet, signal, water
        self._points = points
        self._is_calibrated = False

    def show(self, now: datetime) -> Shown:
        """The pH now, and what there is to doubt.

        Raises:
            ProbeError: it gives none; mended by the operator.
        """
        water = self._water(now) or unknown(REFERENCE_C)
        try:
            self._is_calibrated = self._is_calibrated or self._ph.points() >= self._points
            value = self._ph.read(water.celsius)
        except ProbeError:
            self._is_calibrated = False  # another circuit may come back
            raise
        error = worst_nernst_error(value, self._signal.temperature, water)
        is_spoilt = error > self._sheet.capability.uncertainty_at(value)
        doubts = (_UNCALIBRATED,) * (not self._is_calibrated) + (_TEMPERATURE_UNKNOWN,) * is_spoilt
        return Shown(value, doubts)


def _float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AnswerGarbled(f"the circuit answers {text!r} where a number should be")
    return number

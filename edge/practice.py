"""A tap for practice: simulated probes that a trainer can calibrate, watch and examine on any machine.

Nothing here is ever recorded or sent: the agent does not know this module, and what a technician makes in
practice is shown and forgotten.
"""

import math
import random
from datetime import timedelta
from enum import StrEnum

from edge.calibrating.electrode import ideal_volts
from edge.clock import Clock
from edge.hardware.simulated import SimulatedHardware
from firmware_config.datasheet import Direction, Electrode, load
from firmware_config.device import DeviceConfig
from waterquality.parameters import Parameter

_PIN = 17
_AMPLIFIER = load("sen0161-v2").electrode or Electrode(gain=3.0, neutral_volts=1.5)
_CLEAR_VOLTS, _VOLTS_PER_NTU = 4.12, -0.0003
_ELECTRODE_PACE_S, _TURBIDITY_PACE_S = 5.0, 1.0
_NOISE_VOLTS = 0.0008
_STRAY_VOLTS = 0.09  # half a unit of pH, by a current through the water
_L_PER_S = 0.15
_BUCKET_L = 10.0


class Lesson(StrEnum):
    """What is the matter with the probes."""

    SOUND = "sound"
    WORN = "worn"
    MIXED_UP = "mixed-up"
    CROSSTALK = "crosstalk"


class PracticeTap:
    """Probes in standards that the technician is told to dip them into.

    Args:
        lesson: what is the matter with them.
        clock: how they settle.
    """

    def __init__(self, lesson: Lesson, clock: Clock) -> None:
        self._lesson, self._clock = lesson, clock
        self._chance = random.Random(7)  # noqa: S311 - noise, not a secret
        self._from = self._to = {Parameter.PH: self._ph_volts(7.4), Parameter.TURBIDITY: _CLEAR_VOLTS}
        self._dipped_s = self._now_s()
        self._is_disturbed = lesson is Lesson.CROSSTALK
        self._opened_s: float | None = None
        self._pulses_before = 0
        self.hardware = SimulatedHardware(
            voltages={
                ("adc0", 0): lambda: self._volts(Parameter.TURBIDITY, _TURBIDITY_PACE_S) / 1.5,
                ("adc0", 1): lambda: (
                    self._volts(Parameter.PH, _ELECTRODE_PACE_S) + _STRAY_VOLTS * self._is_disturbed
                ),
            },
            pulses={_PIN: self._pulses},
        )

    def dip(self, parameter: Parameter, standard: float) -> None:
        """Put a probe into a standard."""
        if self._lesson is Lesson.MIXED_UP:
            standard = {7.0: 4.0, 4.0: 7.0}.get(standard, standard + 500.0)
        self._from = {each: self._volts(each, 0.0) for each in self._to}
        volts = (
            self._ph_volts(standard)
            if parameter is Parameter.PH
            else _CLEAR_VOLTS + standard * _VOLTS_PER_NTU
        )
        self._to = {**self._to, parameter: volts}
        self._dipped_s = self._now_s()

    def lift(self) -> None:
        """Take the other probe out of the water."""
        self._is_disturbed = False

    def fill_a_bucket(self) -> None:
        """Open the tap until ten litres have run."""
        self._pulses_before, self._opened_s = self._pulses(), self._now_s()

    def _ph_volts(self, ph: float) -> float:
        slope = 0.74 if self._lesson is Lesson.WORN else 0.97
        return 1.506 + slope * (ideal_volts(ph, 25.0, _AMPLIFIER, Direction.FALLING) - 1.5)

    def _volts(self, parameter: Parameter, pace_s: float) -> float:
        to = self._to[parameter]
        left = math.exp(-(self._now_s() - self._dipped_s) / pace_s) if pace_s else 0.0
        return to + (self._from[parameter] - to) * left + self._chance.gauss(0.0, _NOISE_VOLTS)

    def _pulses(self) -> int:
        if self._opened_s is None:
            return self._pulses_before
        litres = min(_BUCKET_L, _L_PER_S * (self._now_s() - self._opened_s))
        return self._pulses_before + round(litres * 462.0)

    def _now_s(self) -> float:
        return self._clock.read().boottime_ms / 1000


def practice_device(clock: Clock) -> DeviceConfig:
    """An ordinary device with three probes, calibrated a month ago."""
    today = clock.read().wall.date()
    made = {
        "made_on": today - timedelta(days=30),
        "made_by": "practice",
        "standards": ["practice"],
        "expires_on": today + timedelta(days=150),
        "temperature_c": 25.0,
    }
    water = {"celsius": 25.0, "within": 0.5}
    ph = {"id": "practice-ph", "kind": "linear", "points": [[1.503, 7.0], [2.028, 4.0]], **made}
    mud = {
        "id": "practice-turbidity",
        "kind": "table",
        "points": [[_CLEAR_VOLTS, 0.0], [_CLEAR_VOLTS + 1000 * _VOLTS_PER_NTU, 1000.0]],
        **made,
    }
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0000",
            "observe_every_s": 1.0,
            "converters": {"adc0": {"kind": "mcp3008"}},
            "probes": [
                {
                    "parameter": "turbidity",
                    "model": "sen0189",
                    "input": {"converter": "adc0", "channel": 0, "divider": 1.5},
                    "calibration": mud,
                    "temperature": water,
                },
                {
                    "parameter": "ph",
                    "model": "sen0161-v2",
                    "input": {"converter": "adc0", "channel": 1},
                    "calibration": ph,
                    "temperature": water,
                },
                {
                    "parameter": "flow",
                    "model": "yf-s201",
                    "input": {"pin": _PIN, "pulses_per_litre": 450.0},
                },
            ],
        }
    )

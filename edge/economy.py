"""What travels of a reading: enough to judge it, and no letter of the data plan more.

* A value is written to the step that its probe can show, and no finer: the coarsest power of ten, in the unit of
  the wire, that is at most half the datasheet's resolution. What is cut off is noise, at most a quarter of a step.
* A certificate is named when it changes and after a start.
* The raw volts travel where the value does not give them back: when there is none, or it is in doubt. A sound value
  and its certificate's curve give them back to within the step above. `raw = "always"` sends them all.
* The spread travels with them: it is what a doubt is judged by. The meter's pulses stay on the device.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from firmware_config.datasheet import load
from firmware_config.device import DeviceConfig
from firmware_config.reporting import RawTravels
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Reading

# A tenth of a millivolt at the probe: finer than one count of a 16-bit converter at +-4.096 V (0.125 mV).
_RAW_DECIMALS = 4
# A decilitre. The meter itself counts on unrounded.
_VOLUME_STEP_M3 = 1e-4
_AS_MEASURED: Mapping[Parameter, float] = MappingProxyType({})


class Economy:
    """Remembers which certificate the server has been told of.

    Args:
        resolutions: the smallest step a probe can show, by parameter, in the parameter's unit; a parameter without
            one travels as it was measured.
        sends_raw: whether raw volts and the spread travel with values that give the volts back.
    """

    def __init__(
        self, resolutions: Mapping[Parameter, float] = _AS_MEASURED, *, sends_raw: bool = False
    ) -> None:
        self._decimals = {
            parameter: decimals_of(resolution * SPECS[parameter].wire_per_unit)
            for parameter, resolution in resolutions.items()
        }
        self._decimals[Parameter.VOLUME] = decimals_of(2 * _VOLUME_STEP_M3)
        self._sends_raw = sends_raw
        self._told: dict[Parameter, str] = {}

    def of(self, readings: Iterable[Reading]) -> list[Reading]:
        """The readings as they travel."""
        return [self._slim(reading) for reading in readings]

    def forget(self) -> None:
        """What it told of was not kept: certificates are named again."""
        self._told.clear()

    def _slim(self, reading: Reading) -> Reading:
        is_news = self._told.get(reading.parameter) != reading.certificate
        self._told[reading.parameter] = reading.certificate
        return replace(
            reading,
            value=self._rounded(reading, reading.value),
            spread=self._rounded(reading, reading.spread) if self._is_told_more_of(reading) else None,
            raw=self._raw(reading),
            certificate=reading.certificate if is_news else "",
        )

    def _rounded(self, reading: Reading, number: float | None) -> float | None:
        if number is None or reading.parameter not in self._decimals:
            return number
        per_unit = SPECS[reading.parameter].wire_per_unit
        return round(number * per_unit, self._decimals[reading.parameter]) / per_unit

    def _raw(self, reading: Reading) -> float | None:
        if reading.raw is None or reading.parameter is Parameter.VOLUME:
            return None
        return round(reading.raw, _RAW_DECIMALS) if self._is_told_more_of(reading) else None

    def _is_told_more_of(self, reading: Reading) -> bool:
        return self._sends_raw or reading.value is None or bool(reading.screened.why)


def decimals_of(resolution: float) -> int:
    """Decimal places of the coarsest power of ten that is at most half of a resolution; below nought for tens."""
    return -math.floor(math.log10(resolution / 2) + 1e-9)


def economy_of(config: DeviceConfig) -> Economy:
    """What travels of a reading, as the configuration and the datasheets have it."""
    resolutions = {probe.parameter: load(probe.model).resolution for probe in config.probes}
    return Economy(resolutions, sends_raw=config.reporting.raw is RawTravels.ALWAYS)

"""What travels of a reading: enough to judge it, and no letter of the data plan more.

A certificate is named when it changes and after a start; the spread and the meter's pulses stay on the device (the
server has the value, its flag, and the raw volts behind it).
"""

from collections.abc import Iterable
from dataclasses import replace

from waterquality.parameters import Parameter
from waterquality.readings import Reading


class Economy:
    """Remembers which certificate the server has been told of."""

    def __init__(self) -> None:
        self._told: dict[Parameter, str] = {}

    def of(self, readings: Iterable[Reading]) -> list[Reading]:
        """The readings as they travel."""
        return [self._slim(reading) for reading in readings]

    def _slim(self, reading: Reading) -> Reading:
        is_news = self._told.get(reading.parameter) != reading.certificate
        self._told[reading.parameter] = reading.certificate
        return replace(
            reading,
            spread=None,
            raw=None if reading.parameter is Parameter.VOLUME else reading.raw,
            certificate=reading.certificate if is_news else "",
        )

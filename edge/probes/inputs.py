"""The ports to the electrical world: volts and pulses. `edge.hardware` has one adapter for each, and a fake.

Volts are kept apart from what they mean: which converter reads them is decided here, which curve they follow
in `edge.calibration`.
"""

from dataclasses import dataclass
from typing import Protocol

from waterquality.errors import ProbeError


class ProbeDisconnected(ProbeError):
    """Nothing answers at the end of the wire; mended by the operator, with a look at the wiring."""


class VoltageInput(Protocol):
    """One channel of a converter."""

    def read_volts(self) -> float:
        """The voltage on the channel now, finite and not negative.

        Raises:
            ProbeDisconnected: the converter does not answer; mended by the operator.
        """
        ...


class PulseInput(Protocol):
    """One pin that counts."""

    def count(self) -> int:
        """Pulses since the input was opened; never goes back while it stays open.

        Raises:
            ProbeDisconnected: the pin cannot be read; mended by the operator.
        """
        ...


@dataclass(frozen=True, slots=True)
class Divided:
    """A channel behind a voltage divider: gives the volts at the probe.

    Attributes:
        behind: the channel.
        divider: volts at the probe for one volt at the channel, 1 or more.
    """

    behind: VoltageInput
    divider: float

    def read_volts(self) -> float:
        """The voltage at the probe now.

        Raises:
            ProbeDisconnected: the converter does not answer; mended by the operator.
        """
        return self.behind.read_volts() * self.divider

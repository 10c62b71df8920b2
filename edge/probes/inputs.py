"""The ports to the electrical world: volts, pulses, power. `edge.hardware` has one adapter for each, and a fake.

Volts are kept apart from what they mean: which converter reads them is decided here, which curve they follow
in `edge.calibration`.
"""

from dataclasses import dataclass
from typing import Protocol

from waterquality.errors import ProbeError

FASTEST_HZ = 1000.0  # no meter of water that we know of pulses faster


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """What a pin has counted, and when. Both times are of one clock that never jumps (CLOCK_MONOTONIC).

    Attributes:
        count: pulses since the input was opened; never goes back while it stays open.
        last_edge_s: when the newest of them came, in seconds; None before the first.
        read_s: when this was read, in seconds.
        crowded: how many of them came sooner after the one before than a meter can pulse: a contact that bounces,
            or a wire that picks up noise. They are counted all the same.
    """

    count: int
    last_edge_s: float | None
    read_s: float
    crowded: int = 0


class PulseInput(Protocol):
    """One pin that counts."""

    def read(self) -> Pulses:
        """What it has counted so far; reading changes nothing.

        Raises:
            ProbeDisconnected: the pin cannot be read; mended by the operator.
        """
        ...


class PowerSwitch(Protocol):
    """One pin that gives a probe its power."""

    def turn(self, *, on: bool) -> None:
        """Switch the power on or off; what is so already stays as it is.

        Raises:
            ProbeDisconnected: the pin cannot be driven; mended by the operator.
        """
        ...

    def on_for_s(self) -> float | None:
        """For how many seconds the power has been on, by a clock that never jumps; None while it is off."""
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

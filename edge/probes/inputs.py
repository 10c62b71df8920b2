"""The ports to the electrical world: volts, pulses, power, registers, words, degrees.

`edge.hardware` has one adapter for each, and a simulated one.

Answers are kept apart from what they mean: which converter or bus gives them is decided here, which curve they
follow in `edge.calibration`. Who cannot answer raises, and what it raises tells a cable from a sick instrument.
"""

from dataclasses import dataclass
from typing import Protocol

from firmware_config.signals import Function
from waterquality.errors import ProbeError

FASTEST_HZ = 1000.0  # no meter of water that we know of pulses faster


class ProbeDisconnected(ProbeError):
    """Nothing answers at the end of the wire; mended by the operator, with a look at the wiring."""


class AnswerGarbled(ProbeError):
    """Something answers and cannot be understood; mended by the operator: cable, speed, parity, a second master."""


class ProbeFault(ProbeError):
    """It answers, and says itself that it is not well; mended by the operator, with its manual."""


class CommandRefused(ProbeFault):
    """It does not know the command; mended by nobody where an older one has another command for it."""


class NotMeasured(ProbeError):
    """It answers with what it shows before its first measurement; mended by the operator if it goes on so."""


class VoltageInput(Protocol):
    """One channel of a converter."""

    def read_volts(self) -> float:
        """The voltage on the channel now: finite, at most a few steps of a bipolar converter below 0.

        More volts than the channel can show read as the most that it can show, which the configuration keeps
        outside what a live probe puts out.

        Raises:
            ProbeDisconnected: the converter does not answer; mended by the operator.
            ProbeFault: it answers, but not as this converter must; mended by the operator.
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


class RegisterInput(Protocol):
    """One Modbus probe on a line."""

    def read(self, *, function: Function, address: int, count: int) -> tuple[int, ...]:
        """Registers as they are now, each 0 to 65535.

        Args:
            function: `holding` or `input`.
            address: of the first, counted from 0.
            count: how many.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: what answers cannot be understood; mended by the operator.
            ProbeFault: it answers with an exception; mended by the operator.
        """
        ...


class Circuit(Protocol):
    """One circuit that is asked in words."""

    def ask(self, command: str, *, wait_s: float) -> str:
        """Its answer to a command; "" where success is all that it says.

        Args:
            command: as its maker writes it, e.g. `R`.
            wait_s: seconds that it needs for this command.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: what answers cannot be understood; mended by the operator.
            CommandRefused: it does not know the command.
            ProbeFault: it does not come to an answer; mended by the operator.
        """
        ...


@dataclass(frozen=True, slots=True)
class Warmth:
    """What a thermometer answered.

    Attributes:
        celsius: in degrees.
        is_as_powered_on: whether all that it sent is what it holds from power-on to its first conversion. Some
            copies of the chip send the same when they have truly measured so much.
    """

    celsius: float
    is_as_powered_on: bool = False


class Thermometer(Protocol):
    """One digital thermometer."""

    def read(self) -> Warmth:
        """What it measures now; takes up to a second.

        Raises:
            ProbeDisconnected: nothing answers; mended by the operator.
            AnswerGarbled: the checksum does not fit; mended by the operator.
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

"""Hardware made of functions: the demo's water, and tests. It keeps the same contracts as the real one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.probes.build import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected

Volts = Callable[[], float]
Pulses = Callable[[], int]


@dataclass(slots=True)
class SimulatedVoltage:
    """A channel whose voltage a function tells; the function may raise `ProbeDisconnected`.

    Attributes:
        source: the volts at the channel now.
        is_open: whether it may still be read.
    """

    source: Volts
    is_open: bool = field(default=True, init=False)

    def read_volts(self) -> float:
        """The voltage on the channel now.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the channel was let go")
        return self.source()

    def close(self) -> None:
        """Let go of the channel."""
        self.is_open = False


@dataclass(slots=True)
class SimulatedPulses:
    """A pin whose pulses a function tells; they count from when it was made.

    Attributes:
        source: pulses so far; may begin anywhere and must not go back.
        is_open: whether it may still be read.
    """

    source: Pulses
    is_open: bool = field(default=True, init=False)
    _before: int = field(init=False)

    def __post_init__(self) -> None:
        """Leave out what came before."""
        self._before = self.source()

    def count(self) -> int:
        """Pulses since it was made.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the pin was let go")
        return self.source() - self._before

    def close(self) -> None:
        """Let go of the pin."""
        self.is_open = False


class SimulatedHardware:
    """`Hardware` whose inputs are functions.

    Args:
        voltages: volts at the channel (behind the divider), by converter and channel.
        pulses: pulses so far, by GPIO.
    """

    def __init__(
        self,
        *,
        voltages: Mapping[tuple[str, int], Volts] | None = None,
        pulses: Mapping[int, Pulses] | None = None,
    ) -> None:
        self._voltages = voltages or {}
        self._pulses = pulses or {}
        self._open: list[SimulatedVoltage | SimulatedPulses] = []

    def voltage(self, *, converter: str, channel: int) -> SimulatedVoltage:
        """Open a channel.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        try:
            opened = SimulatedVoltage(self._voltages[converter, channel])
        except KeyError as error:
            raise HardwareUnavailable(
                f"channel {channel} of converter {converter} is not simulated"
            ) from error
        self._open.append(opened)
        return opened

    def pulses(self, *, pin: int, pull_up: bool) -> SimulatedPulses:  # noqa: ARG002 - nothing hangs in the air here
        """Open a pin.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        try:
            opened = SimulatedPulses(self._pulses[pin])
        except KeyError as error:
            raise HardwareUnavailable(f"GPIO{pin} is not simulated") from error
        self._open.append(opened)
        return opened

    def close(self) -> None:
        """Let go of every input it opened."""
        while self._open:
            self._open.pop().close()

"""Hardware made of functions: the demo's water, and tests. It keeps the same contracts as the real one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from edge.probes.build import HardwareUnavailable
from edge.probes.inputs import FASTEST_HZ, ProbeDisconnected, Pulses

Volts = Callable[[], float]
Counted = Callable[[], int]
Seconds = Callable[[], float]


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

    The newest edge is taken to have come when a reading first saw it.

    Attributes:
        source: pulses so far; may begin anywhere and must not go back.
        now_s: the time, in seconds; must not go back.
        is_open: whether it may still be read.
    """

    source: Counted
    now_s: Seconds = monotonic
    is_open: bool = field(default=True, init=False)
    _begun_at: int = field(init=False)
    _seen: int = field(default=0, init=False)
    _edge_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Leave out what came before."""
        self._begun_at = self.source()

    def read(self) -> Pulses:
        """Pulses since it was made.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the pin was let go")
        now_s, count = self.now_s(), self.source() - self._begun_at
        if count != self._seen:
            self._seen, self._edge_s = count, now_s
        return Pulses(count=count, last_edge_s=self._edge_s, read_s=now_s)

    def close(self) -> None:
        """Let go of the pin."""
        self.is_open = False


@dataclass(slots=True)
class SimulatedSwitch:
    """A pin that switches a power nobody draws.

    Attributes:
        now_s: the time, in seconds; must not go back.
        is_open: whether it may still be driven.
    """

    now_s: Seconds = monotonic
    is_open: bool = field(default=True, init=False)
    _on_since_s: float | None = field(default=None, init=False)

    def turn(self, *, on: bool) -> None:
        """Switch the power on or off.

        Raises:
            ProbeDisconnected: it was closed; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the pin was let go")
        if on is (self._on_since_s is not None):
            return
        self._on_since_s = self.now_s() if on else None

    def on_for_s(self) -> float | None:
        """For how many seconds the power has been on; None while it is off."""
        return None if self._on_since_s is None else self.now_s() - self._on_since_s

    def close(self) -> None:
        """Switch the power off and let go of the pin."""
        self._on_since_s, self.is_open = None, False


class SimulatedHardware:
    """`Hardware` whose inputs are functions.

    Args:
        voltages: volts at the channel (behind the divider), by converter and channel.
        pulses: pulses so far, by GPIO.
        now_s: the time that pulses and power are timed by, in seconds; must not go back.
    """

    def __init__(
        self,
        *,
        voltages: Mapping[tuple[str, int], Volts] | None = None,
        pulses: Mapping[int, Counted] | None = None,
        now_s: Seconds = monotonic,
    ) -> None:
        self._voltages = voltages or {}
        self._pulses = pulses or {}
        self._now_s = now_s
        self._open: list[SimulatedVoltage | SimulatedPulses | SimulatedSwitch] = []

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

    def pulses(self, *, pin: int, pull_up: bool, fastest_hz: float = FASTEST_HZ) -> SimulatedPulses:  # noqa: ARG002 - what is simulated has neither wires nor sparks
        """Open a pin.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        try:
            opened = SimulatedPulses(self._pulses[pin], self._now_s)
        except KeyError as error:
            raise HardwareUnavailable(f"GPIO{pin} is not simulated") from error
        self._open.append(opened)
        return opened

    def switch(self, *, pin: int, active_high: bool) -> SimulatedSwitch:  # noqa: ARG002 - there is no pin
        """Open a pin that switches power; it begins switched off."""
        opened = SimulatedSwitch(self._now_s)
        self._open.append(opened)
        return opened

    def close(self) -> None:
        """Let go of every input it opened."""
        while self._open:
            self._open.pop().close()

"""Hardware made of functions: the demo's water, and tests. It keeps the same contracts as the real one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol, TypeVar

from edge.hardware.simulated_instruments import (
    Answer,
    Celsius,
    Registers,
    SimulatedCircuit,
    SimulatedRegisters,
    SimulatedThermometer,
)
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import FASTEST_HZ, ProbeDisconnected, Pulses

Volts = Callable[[], float]
Counted = Callable[[], int]
Seconds = Callable[[], float]
_Key = TypeVar("_Key")
_Made = TypeVar("_Made")


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


class _Closes(Protocol):
    def close(self) -> None: ...


class SimulatedHardware:
    """`Hardware` whose inputs are functions.

    Args:
        voltages: volts at the channel (behind the divider), by converter and channel.
        pulses: pulses so far, by GPIO.
        registers: words by address, by line and unit.
        circuits: the answer to a command, by I2C bus and address.
        celsius: degrees, by sensor.
        now_s: the time that pulses and power are timed by, in seconds; must not go back.
    """

    def __init__(
        self,
        *,
        voltages: Mapping[tuple[str, int], Volts] | None = None,
        pulses: Mapping[int, Counted] | None = None,
        registers: Mapping[tuple[str, int], Registers] | None = None,
        circuits: Mapping[tuple[int, int], Answer] | None = None,
        celsius: Mapping[str, Celsius] | None = None,
        now_s: Seconds = monotonic,
    ) -> None:
        self._voltages, self._pulses = voltages or {}, pulses or {}
        self._registers, self._circuits, self._celsius = registers or {}, circuits or {}, celsius or {}
        self._now_s = now_s
        self._open: list[_Closes] = []

    def voltage(self, *, converter: str, channel: int) -> SimulatedVoltage:
        """Open a channel.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        what = f"channel {channel} of converter {converter}"
        opened = SimulatedVoltage(_simulated(self._voltages, (converter, channel), what))
        self._open.append(opened)
        return opened

    def pulses(self, *, pin: int, pull_up: bool, fastest_hz: float = FASTEST_HZ) -> SimulatedPulses:  # noqa: ARG002 - what is simulated has neither wires nor sparks
        """Open a pin.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        opened = SimulatedPulses(_simulated(self._pulses, pin, f"GPIO{pin}"), self._now_s)
        self._open.append(opened)
        return opened

    def switch(self, *, pin: int, active_high: bool) -> SimulatedSwitch:  # noqa: ARG002 - there is no pin
        """Open a pin that switches power; it begins switched off."""
        opened = SimulatedSwitch(self._now_s)
        self._open.append(opened)
        return opened

    def registers(self, *, line: str, unit: int) -> SimulatedRegisters:
        """A Modbus probe.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        opened = SimulatedRegisters(_simulated(self._registers, (line, unit), f"probe {unit} on {line}"))
        self._open.append(opened)
        return opened

    def circuit(self, *, bus: int, address: int) -> SimulatedCircuit:
        """A circuit that is asked in words.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        what = f"the circuit at {address:#04x} on I2C bus {bus}"
        opened = SimulatedCircuit(_simulated(self._circuits, (bus, address), what))
        self._open.append(opened)
        return opened

    def thermometer(self, *, sensor: str, family: str) -> SimulatedThermometer:  # noqa: ARG002 - one kind is here
        """A thermometer.

        Raises:
            HardwareUnavailable: there is no function for it; mended by the operator.
        """
        opened = SimulatedThermometer(_simulated(self._celsius, sensor, f"thermometer {sensor}"))
        self._open.append(opened)
        return opened

    def close(self) -> None:
        """Let go of every input it opened."""
        while self._open:
            self._open.pop().close()


def _simulated(functions: Mapping[_Key, _Made], key: _Key, what: str) -> _Made:
    try:
        return functions[key]
    except KeyError as error:
        raise HardwareUnavailable(f"{what} is not simulated") from error

"""Instruments made of functions: registers, circuits, thermometers, and an EZO-pH that keeps what it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.compensation import REFERENCE_C
from edge.probes.inputs import CommandRefused, ProbeDisconnected, ProbeFault, Warmth
from firmware_config.signals import Function

Registers = Callable[[], Mapping[int, int]]
Answer = Callable[[str], str]
Celsius = Callable[[], float]
_POINTS = ("mid", "low", "high")


@dataclass(slots=True)
class SimulatedRegisters:
    """A Modbus probe whose registers a function tells; a register that it does not tell is refused.

    Attributes:
        source: words by address, the same for both functions.
        is_open: whether it may still be read.
    """

    source: Registers
    is_open: bool = field(default=True, init=False)

    def read(self, *, function: Function, address: int, count: int) -> tuple[int, ...]:  # noqa: ARG002
        """Registers as they are now.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
            ProbeFault: there is no such register; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the line was let go")
        words = self.source()
        try:
            return tuple(words[at] for at in range(address, address + count))
        except KeyError as error:
            raise ProbeFault(f"the probe refuses: it has no register {error}") from error

    def close(self) -> None:
        """Let go of the line."""
        self.is_open = False


@dataclass(slots=True)
class SimulatedCircuit:
    """A circuit whose answers a function gives; it needs no time.

    Attributes:
        source: the answer to a command; may raise what a circuit raises.
        is_open: whether it may still be asked.
    """

    source: Answer
    is_open: bool = field(default=True, init=False)

    def ask(self, command: str, *, wait_s: float) -> str:  # noqa: ARG002 - nothing takes time here
        """Its answer to a command.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
            ProbeFault: the source says so; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the circuit was let go")
        return self.source(command)

    def close(self) -> None:
        """Let go of the circuit."""
        self.is_open = False


@dataclass(slots=True)
class SimulatedThermometer:
    """A thermometer whose temperature a function tells.

    Attributes:
        source: degrees Celsius now.
        is_open: whether it may still be read.
    """

    source: Celsius
    is_open: bool = field(default=True, init=False)

    def read(self) -> Warmth:
        """The temperature now.

        Raises:
            ProbeDisconnected: it was closed, or the source says so; mended by the operator.
        """
        if not self.is_open:
            raise ProbeDisconnected("the thermometer was let go")
        return Warmth(self.source())

    def close(self) -> None:
        """Let go of it."""
        self.is_open = False


class SimulatedEzoPh:
    """Answers commands in words; give it to `SimulatedHardware(circuits=...)`.

    Args:
        ph: what the water has.
        points: at how many points it is calibrated to begin with, 0 to 3.
    """

    def __init__(self, ph: Callable[[], float], *, points: int = 0) -> None:
        self._ph = ph
        self._points = set(_POINTS[:points])
        self.temperature_c = REFERENCE_C

    def __call__(self, command: str) -> str:
        """The answer to a command.

        Raises:
            CommandRefused: it knows no such command.
        """
        match command.lower().split(","):
            case ["r"]:
                return f"{self._ph():.3f}"
            case ["rt" | "t" as word, celsius]:
                self.temperature_c = float(celsius)
                return "" if word == "t" else f"{self._ph():.3f}"
            case ["slope", "?"]:
                return "?Slope,100.0,100.0,0.00"
            case ["cal", what, *_] if what in (*_POINTS, "?", "clear"):
                return self._calibrated(what)
        raise CommandRefused(f"the circuit does not know `{command}`")

    def _calibrated(self, what: str) -> str:
        if what == "?":
            return f"?Cal,{len(self._points)}"
        if what in ("mid", "clear"):
            self._points.clear()
        self._points |= {what} - {"clear"}
        return ""

"""An EZO-pH circuit made of a function: it keeps temperature and calibration as the real one does."""

from collections.abc import Callable

from edge.compensation import REFERENCE_C
from edge.probes.inputs import CommandRefused

_POINTS = ("mid", "low", "high")


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

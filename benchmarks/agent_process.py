"""The process of a device over simulated probes: `python -m benchmarks.agent_process EDGE_TOML [SPEED BEGIN_MS]`.

All but the hardware is what `tskaro-edge run` is. With a speed, the agent's clock begins at `BEGIN_MS` and runs so
many times as fast as ours; what asks the machine itself for time (the network, the batches) does not.
"""

import math
import random
import sys
import threading
import time
from pathlib import Path

from edge.clock import Instant
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.start import run_agent
from firmware_config.device import DeviceConfig

_MS_PER_S = 1000
_PULSES_PER_S = 82.0  # 11 L/min through a meter of 450 pulses a litre
_NOISE_V = 0.0032  # a count of a 10-bit converter at 3.3 V


class FastClock:
    """A clock that runs so many times as fast.

    Args:
        speed: seconds of it in one of ours.
        begin_ms: where it begins, milliseconds since 1970, UTC.
    """

    def __init__(self, speed: float, begin_ms: int) -> None:
        self._speed, self._begin_ms, self._began_s = speed, begin_ms, time.monotonic()

    def read(self) -> Instant:
        """The time now; always synchronised."""
        passed_ms = round((time.monotonic() - self._began_s) * self._speed * _MS_PER_S)
        return Instant(self._begin_ms + passed_ms, passed_ms, "fast", is_synchronised=True)

    def pause(self, seconds: float, wake: threading.Event) -> None:
        """Wait for so many seconds of this clock, or until `wake` is set."""
        wake.wait(max(0.0, seconds / self._speed))


def simulated(clock: FastClock | None) -> Hardware:
    """Probes as they are on an ordinary day: a slow wave, and a count of noise on every sample."""

    def seconds() -> float:
        return time.monotonic() if clock is None else clock.read().wall_ms / _MS_PER_S

    def turbidity_volts() -> float:
        ntu = 0.6 + 0.2 * math.sin(seconds() / 4000)
        return ntu * 3.0 / 100.0 + random.gauss(0.0, _NOISE_V)

    def ph_volts() -> float:
        ph = 7.4 + 0.1 * math.sin(seconds() / 9000)
        return 1.5 - (ph - 7.0) * 0.5 / 3.0 + random.gauss(0.0, _NOISE_V)

    def pulses() -> int:
        at_s = time.monotonic()  # as the meter's edges are timed, whatever the agent's clock does
        return int(_PULSES_PER_S * (at_s - 14 * math.cos(at_s / 700)))  # within 2 % of an even flow

    return SimulatedHardware(
        voltages={("adc0", 0): turbidity_volts, ("adc0", 1): ph_volts},
        pulses={17: pulses},
    )


def main() -> int:
    """Run until SIGTERM."""
    path, *fast = sys.argv[1:]
    clock = FastClock(float(fast[0]), int(fast[1])) if fast else None

    def hardware_of(_: DeviceConfig) -> Hardware:
        return simulated(clock)

    return run_agent(Path(path), hardware_of=hardware_of, clock=clock)


if __name__ == "__main__":
    sys.exit(main())

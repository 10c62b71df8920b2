"""A probe whose power a pin switches: it has power only so long before an observation as it needs, and rests else.

Between observations it gives no reading at all, which is not the same as a missing one: nobody asked. At an
observation it gives what it measures, or `ProbeNotSettled` where it did not have power for long enough: after a
start, or a clock that jumped.
"""

from datetime import datetime

from edge.probes.inputs import PowerSwitch
from edge.probes.phases import Phase, Timing
from edge.probes.port import Calibrated, Probe
from edge.schedule import Dues, Schedule
from firmware_config.parts import CalibrationCertificate
from waterquality.errors import ProbeError
from waterquality.parameters import Parameter
from waterquality.readings import Reading


class ProbeNotSettled(ProbeError):
    """It has not had power for long enough; the next observation has it; mended by the operator if it stays."""


class PoweredProbe:
    """A probe and its switch.

    Args:
        probe: the probe itself; it does no warming up of its own.
        switch: of its power.
        timing: how long it needs power before it may be believed.
        observations: when observations are due.
    """

    def __init__(self, probe: Probe, switch: PowerSwitch, *, timing: Timing, observations: Schedule) -> None:
        self._probe, self._switch, self._timing = probe, switch, timing
        self._observations, self._dues = observations, Dues(observations)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it measures."""
        return self._probe.parameters

    def follow(self, observations: Schedule) -> None:
        """Have power for another schedule from now on: one that a burst makes denser.

        Args:
            observations: when observations are due.
        """
        self._observations, self._dues = observations, Dues(observations)

    def calibrate(self, certificate: CalibrationCertificate) -> None:
        """Have the probe convert by this certificate, if it converts by any."""
        if isinstance(self._probe, Calibrated):
            self._probe.calibrate(certificate)

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """Take one reading of each parameter if an observation is due, and switch the power for the next.

        Args:
            now: wall time, aware.

        Raises:
            ProbeNotSettled: an observation is due and the probe has not settled.
            ProbeError: there is nothing to read; mended by the operator.
        """
        try:
            return self._taken(now) if self._dues.has_come(now) else ()
        finally:
            due = self._observations.next_after(now)
            until_due_s = None if due is None else (due - now).total_seconds()
            self._switch.turn(on=self._timing.needs_power(until_due_s))

    def _taken(self, now: datetime) -> tuple[Reading, ...]:
        phase = self._timing.phase_after(self._switch.on_for_s())
        if phase is not Phase.MEASURE:
            raise ProbeNotSettled(f"it is still in {phase}")
        return self._probe.measure(now)

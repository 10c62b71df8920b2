"""The guided calibration of a pH circuit that keeps it in itself. What it decides is in `edge.calibrating.circuit`.

Setting the middle point wipes out the others, so nothing can be tried out. Invariant: a circuit that was touched
and got no certificate is left cleared, so that its readings are in doubt, and never half set; where it cannot be
cleared, that is said. One that was not touched keeps what it has.
"""

from dataclasses import replace
from datetime import datetime

from edge.calibrating.circuit import PLACES, SetPoint, judge_circuit, why_wrong_shown
from edge.calibrating.judging import Occasion, Standard
from edge.live import DirectLive
from edge.ph_line import CalibrationPoint
from edge.probes.ezo import EzoPh
from edge.probes.hardware import Hardware
from edge.probes.measuring import why_of
from edge.tap.bench import Bench, GaveUp, ask_celsius, ask_standard, today, who
from edge.tap.filing import keep, occasion_of, show
from edge.tap.settling import Settled, shown_in
from firmware_config.buses import address_of
from firmware_config.catalogues import Phrase, msgid
from firmware_config.parts import CalibrationCertificate, EzoWiring
from firmware_config.signals import EzoSignal
from firmware_config.words import WHYS
from waterquality.errors import ProbeError
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Reading

_USUAL = {CalibrationPoint.MID: 7.0, CalibrationPoint.LOW: 4.0, CalibrationPoint.HIGH: 10.01}


def calibrate_circuit(bench: Bench) -> None:
    """Guide through the calibration of a circuit.

    Raises:
        GaveUp: no certificate was made; the technician has read why, and what the circuit holds now.
    """
    if bench.source.hardware is None:
        bench.screen.say(
            msgid("The agent uses this circuit: stop it first, sudo systemctl stop tskaro-edge"),
            style="red",
        )
        raise GaveUp
    occasion = occasion_of(bench, who(bench), today(bench))
    setting = _Setting(bench, _commands(bench, bench.source.hardware), ask_celsius(bench))
    try:
        _guided(bench, setting, occasion)
    except ProbeError as error:
        why = Phrase(WHYS[why_of(error)])
        bench.screen.say(msgid("The circuit does not obey: %(why)s."), style="bold red", why=why)
        setting.undo()
        raise GaveUp from error
    except BaseException:  # Ctrl-C too: it must not be left half set
        setting.undo()
        raise
    bench.screen.say(msgid("Start the agent again: sudo systemctl start tskaro-edge"))


def _guided(bench: Bench, setting: "_Setting", occasion: Occasion) -> None:
    judged = setting.judged(occasion)
    if isinstance(judged, Phrase):
        bench.screen.say(judged, style="bold red")
        raise GaveUp
    show(bench.screen, judged)
    keep(bench, judged)


def _commands(bench: Bench, hardware: Hardware) -> EzoPh:
    wiring, signal = bench.probe.input, bench.sheet.signal
    assert isinstance(wiring, EzoWiring)
    assert isinstance(signal, EzoSignal)
    return EzoPh(hardware.circuit(bus=wiring.bus, address=address_of(wiring, signal)), signal)


class _Bare:
    """A `Probe`: what the circuit shows, as raw, without warm-up or judgement."""

    parameters = (Parameter.PH,)

    def __init__(self, ph: EzoPh, celsius: float) -> None:
        self._ph, self._celsius = ph, celsius

    def measure(self, now: datetime) -> tuple[Reading, ...]:  # noqa: ARG002 - the water's temperature is told
        shown = self._ph.read(self._celsius)
        return (Reading(Parameter.PH, None, raw=shown, raw_unit=SPECS[Parameter.PH].unit),)


class _Setting:
    """One calibration on its way.

    Args:
        bench: where it is done.
        ph: the circuit's commands.
        celsius: temperature of the buffers.
    """

    def __init__(self, bench: Bench, ph: EzoPh, celsius: float) -> None:
        live = DirectLive((_Bare(ph, celsius),), bench.clock)
        self._bench = replace(bench, source=replace(bench.source, live=live))
        self._screen, self._ph, self._celsius = bench.screen, ph, celsius
        self._is_touched = False

    def judged(self, occasion: Occasion) -> CalibrationCertificate | Phrase:
        """Set it at two or three points, and judge what it says of its electrode.

        Raises:
            GaveUp: a buffer was given up.
            ProbeError: the circuit does not obey; mended by the operator.
        """
        points = [self._set(CalibrationPoint.MID, 1), self._set(CalibrationPoint.LOW, 2)]
        if self._screen.agrees(msgid("Measure another standard?"), default=False):
            points.append(self._set(CalibrationPoint.HIGH, 3))
        return judge_circuit(points, self._ph.slope(), self._celsius, occasion)

    def undo(self) -> None:
        """Leave a circuit without a certificate as it must be left, and say how that is."""
        if not self._is_touched:
            self._screen.say(
                msgid("No certificate was made; the circuit keeps the calibration that it had."), style="red"
            )
        elif self._is_cleared():
            self._screen.say(
                msgid(
                    "No certificate was made, and the circuit's calibration was cleared:"
                    " its readings are in doubt until it is calibrated anew."
                ),
                style="red",
            )
        else:
            self._screen.say(
                msgid(
                    "No certificate was made, and the circuit could not be cleared: it may be half calibrated."
                    " Do not believe it before it is calibrated anew."
                ),
                style="bold red",
            )

    def _is_cleared(self) -> bool:
        try:
            self._ph.clear()
            return self._ph.points() == 0
        except ProbeError:
            return False

    def _set(self, point: CalibrationPoint, number: int) -> SetPoint:
        standard = ask_standard(self._bench, number=number, default=_USUAL[point], within=PLACES[point])
        shown = self._shown(point, standard)
        self._is_touched = True  # before it is asked: an answer that is lost may have been obeyed
        self._ph.compensate(self._celsius)
        self._ph.calibrate(point, standard.value)
        held = self._ph.points()
        if held != number:
            self._screen.say(
                msgid("The circuit says that it holds %(held)d points; it should hold %(number)d."),
                style="bold red",
                held=held,
                number=number,
            )
            raise GaveUp
        self._screen.say(
            msgid("It showed %(shown).3f and is set to %(value)g."),
            style="green",
            shown=shown,
            value=standard.value,
        )
        return SetPoint(point, shown, standard)

    def _shown(self, point: CalibrationPoint, standard: Standard) -> float:
        while True:
            shown = shown_in(self._bench, standard)
            if isinstance(shown, Settled):
                wrong = why_wrong_shown(shown.raw, standard.value, self._celsius)
                if wrong is None:
                    return shown.raw
            else:
                wrong = shown
            self._screen.say(wrong, style="bold red")
            if not self._screen.agrees(msgid("Try this standard again?"), default=True):
                self._forget_or_give_up(point)

    def _forget_or_give_up(self, point: CalibrationPoint) -> None:
        """A circuit that was set in the wrong bottles shows the wrong buffer in the right one."""
        question = msgid(
            "Or is the circuit's old calibration wrong? Clear it and measure this standard again?"
        )
        may_be_old = point is CalibrationPoint.MID and self._ph.points() > 0
        if not may_be_old or not self._screen.agrees(question, default=False):
            raise GaveUp
        self._is_touched = True
        self._ph.clear()

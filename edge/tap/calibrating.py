"""The guided calibration at the tap: asks, waits, shows, files. What it decides is in `edge.calibrating`."""

from collections.abc import Sequence

from edge.calibrating.counting import counted
from edge.calibrating.electrode import Dip
from edge.calibrating.judging import Occasion, Run, Standard, judge_flow, judge_volts, why_wrong_standard
from edge.knocking import NobodyAnswers
from edge.live import timed
from edge.tap.bench import Bench, GaveUp, ask_celsius, ask_standard, today, who
from edge.tap.circuit import calibrate_circuit
from edge.tap.filing import keep, occasion_of, show
from edge.tap.settling import Settled, shown_in
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.datasheet import PulseSignal, VoltageSignal
from firmware_config.parts import CalibrationCertificate
from firmware_config.signals import EzoSignal
from firmware_config.words import PARAMETERS
from waterquality.parameters import Parameter

_USUAL = {Parameter.PH: (7.0, 4.0, 10.01), Parameter.TURBIDITY: (0.0, 1000.0)}
_FEWEST_STANDARDS = 2
_FLOW_RUNS = 3
_BUCKET_L = 10.0
_QUIET_S = 10.0


def calibrate(bench: Bench) -> None:
    """Guide through one calibration.

    Raises:
        GaveUp: no certificate was made; the technician has read why.
        NobodyAnswers: the agent stopped in the middle; mended by starting again.
    """
    parameter = bench.sheet.parameter
    bench.screen.heading(
        said("Calibrating %(what)s: %(title)s", what=Phrase(PARAMETERS[parameter]), title=bench.sheet.title)
    )
    if isinstance(bench.sheet.signal, EzoSignal):
        calibrate_circuit(bench)
        return
    if not isinstance(bench.sheet.signal, VoltageSignal | PulseSignal):
        bench.screen.say(
            msgid("A %(model)s keeps its own calibration: follow its maker's manual."),
            style="red",
            model=bench.sheet.model,
        )
        raise GaveUp
    made_by = who(bench)
    occasion = occasion_of(bench, made_by, today(bench))
    judged = _flow(bench, occasion) if parameter is Parameter.FLOW else _volts(bench, occasion)
    if isinstance(judged, Phrase):
        bench.screen.say(judged, style="bold red")
        bench.screen.say(msgid("No certificate was made; the one before stays in force."), style="red")
        raise GaveUp
    show(bench.screen, judged)
    keep(bench, judged)


def _volts(bench: Bench, occasion: Occasion) -> CalibrationCertificate | Phrase:
    screen = bench.screen
    temperature_c = ask_celsius(bench)
    dips: list[Dip] = []
    standards: list[Standard] = []
    usual = _USUAL[bench.sheet.parameter]
    while len(dips) < _FEWEST_STANDARDS or screen.agrees(msgid("Measure another standard?"), default=False):
        default = usual[len(dips)] if len(dips) < len(usual) else None
        standard = ask_standard(bench, number=len(dips) + 1, default=default)
        dips.append(_dip(bench, standard, dips, temperature_c))
        standards.append(standard)
    return judge_volts(dips, standards, temperature_c, bench.sheet, occasion)


def _dip(bench: Bench, standard: Standard, before: Sequence[Dip], temperature_c: float) -> Dip:
    while True:
        shown = shown_in(bench, standard)
        if isinstance(shown, Settled):
            dip = Dip(standard.value, shown.raw)
            wrong = why_wrong_standard(dip, before, temperature_c, bench.sheet)
            if wrong is None:
                bench.screen.say(
                    msgid("Steady at %(raw).3f %(unit)s."), style="green", raw=shown.raw, unit=shown.raw_unit
                )
                return dip
        else:
            wrong = shown
        bench.screen.say(wrong, style="bold red")
        if not bench.screen.agrees(msgid("Try this standard again?"), default=True):
            bench.screen.say(msgid("No certificate was made; the one before stays in force."), style="red")
            raise GaveUp


def _flow(bench: Bench, occasion: Occasion) -> CalibrationCertificate | Phrase:
    screen = bench.screen
    measured_with = screen.ask_word(msgid("How do you measure the volume?"), default=f"{_BUCKET_L:g} L")
    runs: list[Run] = []
    while len(runs) < _FLOW_RUNS:
        screen.heading(msgid("Run %(number)d of %(most)d"), number=len(runs) + 1, most=_FLOW_RUNS)
        litres = screen.ask_number(msgid("Litres that you will let through"), default=_BUCKET_L)
        runs.append(Run(litres, _counted(bench, litres)))
        screen.say(
            msgid("%(pulses)d pulses: %(factor).4g a litre."),
            style="green",
            pulses=runs[-1].pulses,
            factor=runs[-1].pulses / litres,
        )
    return judge_flow(runs, measured_with, bench.sheet, occasion)


def _counted(bench: Bench, litres: float) -> int:
    """Pulses of one run: nobody presses a key with wet hands."""
    screen = bench.screen
    screen.await_enter(msgid("Close the tap and put the vessel under it."))
    screen.say(
        msgid("Now let exactly %(litres)g L through and close the tap; I wait until it has stood still."),
        litres=litres,
    )
    if bench.source.practice is not None:
        bench.source.practice.fill_a_bucket()
    totals: list[tuple[float, int]] = []
    with screen.bar() as tell:
        for at_s, reading in timed(bench.source.live.frames(), Parameter.VOLUME):
            totals.append((at_s, int(reading.raw or 0)))
            count = counted(totals, quiet_s=_QUIET_S)
            beside = said(
                "%(pulses)d pulses  still for %(quiet).0f s", pulses=count.pulses, quiet=count.quiet_s
            )
            tell(min(1.0, count.quiet_s / _QUIET_S), screen.speech.say(beside))
            if count.is_over:
                return count.pulses
    raise NobodyAnswers(said("The readings ended in the middle of a run."))

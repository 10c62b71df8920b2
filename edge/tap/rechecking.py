"""`calibrate --recheck`: one standard before and after cleaning bounds the drift since the certificate."""

from datetime import date

from edge.tap.bench import Bench, GaveUp, ask_standard, today, who
from edge.tap.filing import file, page_of
from edge.tap.settling import Settled, shown_in
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.filed import Filed, Recheck
from firmware_config.parts import CalibrationCertificate
from firmware_config.words import PARAMETERS, WHYS
from waterquality.flags import Why
from waterquality.parameters import SPECS, Parameter

_USUAL = {Parameter.PH: 7.0, Parameter.TURBIDITY: None}


def recheck(bench: Bench) -> None:
    """Guide through one check.

    Raises:
        GaveUp: nothing was filed; the technician has read why.
        NobodyAnswers: the agent stopped in the middle; mended by starting again.
    """
    screen, parameter = bench.screen, bench.sheet.parameter
    screen.heading(said("Checking %(what)s before and after cleaning", what=Phrase(PARAMETERS[parameter])))
    certificate = bench.probe.calibration
    if parameter is Parameter.FLOW:
        screen.say(
            msgid("Dirt does not show in a meter's certificate: calibrate it again instead."), style="red"
        )
        raise GaveUp
    if certificate is None:
        screen.say(msgid("There is no certificate to check this probe against; calibrate it."), style="red")
        raise GaveUp
    made_by, day = who(bench), today(bench)
    standard = ask_standard(bench, number=1, default=_USUAL[parameter])
    screen.say(msgid("First as it came out of the water: do not clean it yet."), style="bold")
    before = _error(bench, shown_in(bench, standard), standard.value)
    screen.say(msgid("Now clean it, gently and well."), style="bold")
    after = _error(bench, shown_in(bench, standard), standard.value)
    found = Recheck(
        certificate=certificate.id,
        made_by=made_by,
        from_day=_since(bench, certificate),
        to_day=day,
        standard=standard.value,
        lot=standard.lot,
        error_before=round(before, 4),
        error_after=round(after, 4),
    )
    _tell(bench, found)
    if bench.folder is None:
        screen.say(msgid("Practice: this check is not kept."), style="yellow")
        return
    file(bench, Filed(recheck=found, **page_of(bench)))
    screen.say(msgid("Kept, and sent to the server with the readings."))


def _error(bench: Bench, shown: Settled | Phrase, standard: float) -> float:
    if isinstance(shown, Settled) and shown.value is not None:
        unit = SPECS[bench.sheet.parameter].unit
        bench.screen.say(
            msgid("It reads %(value).2f %(unit)s: %(error)+.2f."),
            value=shown.value,
            unit=unit,
            error=shown.value - standard,
        )
        return shown.value - standard
    why = shown if isinstance(shown, Phrase) else _why_no_value(shown)
    bench.screen.say(why, style="bold red")
    raise GaveUp


def _why_no_value(shown: Settled) -> Phrase:
    why = Phrase(WHYS[shown.why or Why.NOT_RECORDED])
    return said("The probe stands still but gives no value: %(why)s.", why=why)


def _since(bench: Bench, certificate: CalibrationCertificate) -> date:
    """Since when it may have drifted: the last check of this certificate, else its making."""
    pages = bench.folder.pages() if bench.folder else ()
    checks = [page.recheck for page in pages if page.recheck and page.recheck.certificate == certificate.id]
    return checks[-1].to_day if checks else certificate.made_on


def _tell(bench: Bench, found: Recheck) -> None:
    screen, sheet = bench.screen, bench.sheet
    unit, allowed = SPECS[sheet.parameter].unit, sheet.capability.uncertainty_at(found.standard)
    screen.heading(msgid("What it means"))
    screen.say(
        msgid(
            "From %(from_day)s to %(to_day)s the dirt has added up to %(drift)+.2f %(unit)s:"
            " readings in between are off by something from 0 to that."
        ),
        from_day=found.from_day,
        to_day=found.to_day,
        drift=found.drift,
        unit=unit,
    )
    if abs(found.error_after) > allowed:
        screen.say(
            msgid(
                "Clean, it is still off by %(error)+.2f %(unit)s (±%(allowed)g is expected): calibrate it anew."
            ),
            style="bold yellow",
            error=found.error_after,
            unit=unit,
            allowed=allowed,
        )
    else:
        screen.say(
            msgid("Clean, it is off by %(error)+.2f %(unit)s, within ±%(allowed)g: the certificate stands."),
            style="green",
            error=found.error_after,
            unit=unit,
            allowed=allowed,
        )

"""From the end of a calibration to the page in the folder: an id, how a person reads it, its filing."""

from datetime import date

from edge.calibrating.electrode import GOOD_SLOPE_PERCENT
from edge.calibrating.judging import TRUSTED_DAYS, Occasion
from edge.knocking import NobodyAnswers, ask
from edge.tap.bench import Bench, GaveUp
from edge.tap.screen import Screen
from firmware_config.catalogues import Phrase, msgid
from firmware_config.filed import Filed
from firmware_config.parts import CalibrationCertificate
from waterquality.errors import RejectedError


def occasion_of(bench: Bench, made_by: str, day: date) -> Occasion:
    """Who calibrates when, and which ids are taken."""
    pages = bench.folder.pages() if bench.folder else ()
    taken = [page.certificate.id for page in pages if page.certificate]
    if bench.probe.calibration:
        taken.append(bench.probe.calibration.id)
    return Occasion(
        device=bench.device,
        made_by=made_by,
        made_on=day,
        taken=frozenset(taken),
        trusted_days=bench.trusted_days or TRUSTED_DAYS[bench.sheet.parameter],
    )


def show(screen: Screen, made: CalibrationCertificate) -> None:
    """The certificate as a person reads it."""
    screen.heading(msgid("The certificate"))
    screen.pairs(_rows(made))
    low, high = GOOD_SLOPE_PERCENT
    if made.slope_percent is not None and not low <= made.slope_percent <= high:
        screen.say(
            msgid(
                "Fit, but ageing: a good electrode has %(low).0f to %(high).0f %%. Keep a new one at hand."
            ),
            style="yellow",
            low=low,
            high=high,
        )


def _rows(made: CalibrationCertificate) -> list[tuple[str, str | Phrase]]:
    rows: list[tuple[str, str | Phrase]] = [
        (msgid("certificate"), made.id),
        (msgid("made by"), f"{made.made_by}, {made.made_on}"),
        (msgid("standards"), "; ".join(made.standards)),
    ]
    if made.slope_percent is not None:
        rows.append((msgid("slope"), f"{made.slope_percent:.1f} %"))
    if made.offset_mv is not None:
        rows.append((msgid("offset"), f"{made.offset_mv:+.1f} mV"))
    if made.temperature_c is not None:
        rows.append((msgid("temperature"), f"{made.temperature_c:g} °C"))
    if made.points[0] == (0.0, 0.0):
        rows.append((msgid("pulses per litre"), f"{made.pulses_per_litre:.2f}"))
    return [*rows, (msgid("trusted until"), str(made.expires_on))]


def keep(bench: Bench, made: CalibrationCertificate) -> None:
    """File the certificate if the technician wants it.

    Raises:
        GaveUp: it is not wanted.
    """
    screen = bench.screen
    if bench.folder is None:
        screen.say(msgid("Practice: this certificate is not kept."), style="yellow")
        return
    if not screen.agrees(msgid("Keep this certificate?"), default=True):
        raise GaveUp
    file(bench, Filed(certificate=made, **page_of(bench)))
    screen.say(msgid("Kept. Dip the probe into a standard that you did not use, and look: tskaro-edge watch"))


def page_of(bench: Bench) -> dict[str, object]:
    """What every page of the folder says; its number is given when it is filed."""
    return {
        "number": 1,
        "device": bench.device,
        "parameter": bench.sheet.parameter,
        "model": bench.sheet.model,
        "made_ms": bench.clock.read().wall_ms,
    }


def file(bench: Bench, page: Filed) -> None:
    """File a page and have a running agent read it; one that does not run reads it when it starts."""
    assert bench.folder is not None
    bench.folder.add(page)
    if bench.source.door is not None:
        try:
            ask(bench.source.door, "certificates")
        except (RejectedError, NobodyAnswers):
            bench.screen.say(
                msgid("The agent did not take it up; restart it: sudo systemctl restart tskaro-edge"),
                style="yellow",
            )

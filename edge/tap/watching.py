"""`tskaro-edge watch`: what the probes show now, in words, until Ctrl-C."""

import json
import threading
from collections.abc import Callable, Mapping
from itertools import islice

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.board import Shown, as_line
from edge.clock import Clock, Instant
from edge.knocking import NobodyAnswers
from edge.live import Frame, LiveSource, decimals_shown, number_text, raw_text
from firmware_config.catalogues import Phrase, Speech, msgid, said
from firmware_config.datasheet import Datasheet
from firmware_config.words import FLAGS, PARAMETERS, UNITS, WHYS
from waterquality.flags import Flag, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading

Sheets = Mapping[Parameter, Datasheet]
_REFRESH_S = 0.5
_STALE_S = 180.0
_STILL_STARTING = (Why.PROBE_NOT_SETTLED, Why.NOT_RECORDED)
_STYLES = {
    Flag.GOOD: "green",
    Flag.UNKNOWN: "",
    Flag.SUSPECT: "yellow",
    Flag.FAIL: "bold red",
    Flag.MISSING: "red",
}
_SYMBOLS = {Flag.GOOD: "✓", Flag.UNKNOWN: "✓", Flag.SUSPECT: "?", Flag.FAIL: "✗", Flag.MISSING: "–"}


class _Newest:
    """The newest frame of a source that is read on a thread of its own, so that ages go on while it is silent."""

    def __init__(self, source: LiveSource) -> None:
        self.frame: Frame | None = None
        self.trouble: Exception | None = None
        self.came = threading.Event()
        threading.Thread(target=self._follow, args=(source,), name="watch", daemon=True).start()

    def _follow(self, source: LiveSource) -> None:
        try:
            for frame in source.frames():
                self.frame = frame
                self.came.set()
        except Exception as error:  # noqa: BLE001 - told by the thread that shows
            self.trouble = error
        self.came.set()


def watch(
    console: Console, speech: Speech, source: LiveSource, clock: Clock, title: str | Phrase, *, sheets: Sheets
) -> None:
    """Show every frame until Ctrl-C.

    Raises:
        NobodyAnswers: the agent stopped; mended by starting it.
    """
    newest = _Newest(source)
    with Live(console=console, auto_refresh=False) as screen:
        while newest.trouble is None:
            frame = newest.frame
            if frame is not None:
                screen.update(
                    drawn(
                        frame, clock.read().wall_ms, title, speech, sheets=sheets, ends=msgid("Ctrl-C ends.")
                    ),
                    refresh=True,
                )
            newest.came.wait(_REFRESH_S)
            newest.came.clear()
    raise newest.trouble


def first(source: LiveSource, *, at_most: int = 1) -> Frame:
    """One frame in which every probe has warmed up, or the last of so many.

    Args:
        source: of the frames.
        at_most: how many frames to look at.

    Raises:
        NobodyAnswers: there is none to be had.
    """
    frame = None
    for frame in islice(source.frames(), at_most):
        if not any(reading.screened.why in _STILL_STARTING for reading in frame.readings):
            break
    if frame is None:
        raise NobodyAnswers(said("No reading came."))
    return frame


def stream(source: LiveSource, write: Callable[[str], None]) -> None:
    """Every frame as a line of JSON, until Ctrl-C."""
    for frame in source.frames():
        write(as_json(frame))


def as_json(frame: Frame) -> str:
    """A frame as one line, in the parameters' own units."""
    instant = Instant(frame.time_ms, 0, "", frame.is_synchronised)
    return json.dumps(as_line(Shown(0, instant, frame.readings)))


def drawn(
    frame: Frame, now_ms: int, title: str | Phrase, speech: Speech, *, sheets: Sheets, ends: str = ""
) -> RenderableType:
    """A frame as a person reads it: the age first.

    Args:
        frame: what was read.
        now_ms: the time now, by the same clock.
        title: which device, and whose readings.
        speech: the reader's language.
        sheets: of the probes, by what they measure.
        ends: how the reader ends it; "" where it has ended.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading, justify in (
        (msgid("age"), "right"),
        (msgid("what"), "left"),
        (msgid("value"), "right"),
        (msgid("quality"), "left"),
        (msgid("raw"), "right"),
        (msgid("spread"), "right"),
    ):
        table.add_column(speech.say(heading), justify=justify, no_wrap=heading != "quality")  # type: ignore[arg-type]
    for reading in frame.readings:
        age_s = (now_ms - frame.time_ms) / 1000
        table.add_row(*_cells(reading, sheets.get(reading.parameter), age_s, speech))
    below = " ".join(speech.say(each) for each in (_clock_of(frame), ends) if each)
    style = "dim" if frame.is_synchronised else "yellow"
    return Group(Text(speech.say(title), style="bold"), table, Text(below, style=style))


def _cells(reading: Reading, sheet: Datasheet | None, age_s: float, speech: Speech) -> tuple[Text, ...]:
    style = _STYLES[reading.flag]
    unit = speech.say(UNITS[reading.parameter]) if UNITS[reading.parameter] else ""
    decimals = decimals_shown(reading.parameter, sheet)
    value = "—" if reading.value is None else f"{number_text(reading, sheet)} {unit}".rstrip()
    spread = "" if reading.spread is None else f"±{reading.spread / 2:.{decimals}f}"
    return (
        Text(speech.say(age(age_s)), style="bold yellow" if age_s > _STALE_S else ""),
        Text(speech.say(PARAMETERS[reading.parameter])),
        Text(value, style=f"bold {style}".strip()),
        Text(f"{_SYMBOLS[reading.flag]} {_quality(reading, speech)}", style=style),
        Text(raw_text(reading), style="dim"),
        Text(spread, style="dim"),
    )


def _quality(reading: Reading, speech: Speech) -> str:
    why = WHYS[reading.screened.why]
    if reading.flag is Flag.UNKNOWN and not why:  # the server has yet to look; the device has no doubt
        return speech.say(msgid("nothing amiss"))
    return f"{speech.say(FLAGS[reading.flag])}: {speech.say(why)}" if why else speech.say(FLAGS[reading.flag])


def age(seconds: float) -> Phrase:
    """How old something is, in its largest whole unit."""
    whole = max(0, round(seconds))
    for size, text in ((86_400, msgid("%(n)d d")), (3600, msgid("%(n)d h")), (60, msgid("%(n)d min"))):
        if whole >= 2 * size:
            return Phrase(text, {"n": whole // size})
    return said("%(n)d s", n=whole)


def _clock_of(frame: Frame) -> Phrase:
    if frame.is_synchronised:
        return said("The clock is right.")
    return said("The clock is not known to be right yet: records wait for it.")

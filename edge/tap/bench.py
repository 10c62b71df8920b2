"""The bench that a calibration works at: what it reads, where it files, who stands there and on which day."""

from dataclasses import dataclass
from datetime import date

from edge.certificates import CertificateFolder
from edge.clock import Clock
from edge.knocking import NobodyAnswers, ask
from edge.tap.screen import Screen
from edge.tap.sources import Opened
from firmware_config.catalogues import msgid
from firmware_config.datasheet import Datasheet, load
from firmware_config.filed import Filed
from firmware_config.parts import ProbeConfig
from waterquality.errors import RejectedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a calibration works with.

    Attributes:
        screen: the terminal.
        source: of the readings.
        clock: the device's clock.
        folder: where certificates go; None in practice, where nothing is kept.
        device: id of the device.
        probe: the one to calibrate.
        made_by: the technician; "" asks.
        trusted_days: for how long a certificate is trusted; None takes what is usual.
    """

    screen: Screen
    source: Opened
    clock: Clock
    folder: CertificateFolder | None
    device: str
    probe: ProbeConfig
    made_by: str = ""
    trusted_days: int | None = None

    @property
    def sheet(self) -> Datasheet:
        """Of the probe."""
        return load(self.probe.model)


class GaveUp(Exception):
    """No certificate was made."""


def who(bench: Bench) -> str:
    """The technician's name."""
    return bench.made_by or bench.screen.ask_word(msgid("Your name"))


def today(bench: Bench) -> date:
    """The day, asked for where the clock is not known to be right.

    Raises:
        GaveUp: the clock is wrong.
    """
    now = bench.clock.read()
    day = now.wall.date()
    if now.is_synchronised or bench.screen.agrees(
        msgid("The clock was not set from the network yet. Is today %(day)s?"), default=True, day=day
    ):
        return day
    bench.screen.say(
        msgid("Connect the network, or set the clock: sudo date -s 'YYYY-MM-DD hh:mm'."), style="red"
    )
    raise GaveUp


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

"""The bench that a calibration works at: what it reads, where it files, who stands there and on which day."""

from dataclasses import dataclass
from datetime import date

from edge.calibrating.judging import Standard
from edge.certificates import CertificateFolder
from edge.clock import Clock
from edge.tap.screen import Screen
from edge.tap.sources import Opened
from firmware_config.catalogues import msgid
from firmware_config.datasheet import Datasheet, load
from firmware_config.parts import CERTIFIED_CELSIUS, ProbeConfig
from waterquality.parameters import SPECS


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


def ask_celsius(bench: Bench) -> float:
    """Temperature of the standards, in degrees."""
    return bench.screen.ask_number(
        msgid("Temperature of the standards in °C"), default=25.0, within=CERTIFIED_CELSIUS
    )


def ask_standard(
    bench: Bench, *, number: int, default: float | None, within: tuple[float, float] | None = None
) -> Standard:
    """What stands on the label of the next standard.

    Args:
        bench: where it is asked.
        number: of the standard, from 1.
        default: its likely value.
        within: between which values it must lie; None where any will do.
    """
    screen = bench.screen
    screen.heading(msgid("Standard %(number)d"), number=number)
    unit = SPECS[bench.sheet.parameter].unit
    value = screen.ask_number(
        msgid("Its value in %(unit)s, as the label has it for this temperature"),
        default=default,
        within=within,
        unit=unit,
    )
    return Standard(value, screen.ask_word(msgid("Its lot number"), default="-"))

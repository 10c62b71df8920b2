"""The board itself: its power, its heat, its disk, its clock."""

import os
from collections.abc import Iterator
from pathlib import Path

from edge.clock import Instant
from edge.doctor.findings import Finding, Severity, well
from edge.vitals import Vitals
from firmware_config.catalogues import said

_HOT_C, _TOO_HOT_C = 75.0, 82.0  # the firmware slows down softly from 80 degrees, and hard from 85
_LITTLE_MB, _NO_ROOM_MB = 500.0, 50.0
_FIRST_YEAR = 2025  # this program is no older


def is_raspberry_pi(sys: Path) -> bool:
    """Whether the firmware calls this machine a Raspberry Pi; no other shows its power and heat as it does."""
    try:
        return "Raspberry Pi" in (sys / "firmware/devicetree/base/model").read_text(errors="replace")
    except OSError:
        return False


def power(vitals: Vitals) -> Finding:
    """The supply."""
    if vitals.under_voltage is None:
        return Finding("power", Severity.UNSEEN, said("The supply cannot be seen on this machine."))
    mend = said("Use the board's own supply (5.1 V) and a short, thick cable; take other loads off it.")
    if vitals.under_voltage:
        return Finding("power", Severity.BROKEN, said("The supply voltage is too low."), mend)
    if vitals.under_voltage_before:
        return Finding("power", Severity.LOOK, said("The supply voltage was too low since the start."), mend)
    return well("power", said("The supply voltage is right."))


def heat(vitals: Vitals) -> Finding:
    """The processor's temperature, and whether it is slowed down."""
    celsius = vitals.board_c
    if celsius is None:
        return Finding(
            "heat", Severity.UNSEEN, said("The board's temperature cannot be seen on this machine.")
        )
    words = said("The board is at %(celsius).0f °C.", celsius=celsius)
    mend = said("Give it shade and air: out of the sun, off the roof, a larger box.")
    if celsius >= _TOO_HOT_C or vitals.throttled:
        words = said("The board is at %(celsius).0f °C and is being slowed down.", celsius=celsius)
        return Finding("heat", Severity.LOOK, words, mend)
    if celsius >= _HOT_C:
        return Finding("heat", Severity.LOOK, words, mend)
    return well("heat", words)


def disk(vitals: Vitals, outbox: Path) -> Iterator[Finding]:
    """Room for the outbox, and whether it may be written."""
    folder = next((each for each in outbox.parents if each.is_dir()), outbox.parent)
    if not os.access(folder, os.W_OK):
        yield Finding(
            "disk",
            Severity.BROKEN,
            said("%(folder)s cannot be written.", folder=folder),
            said(
                "Run the doctor as the agent's user (sudo -u tskaro tskaro-edge doctor). If it stays so,"
                " the card has turned read-only: it is worn out, replace it."
            ),
        )
        return
    if vitals.disk_free_mb is None:
        yield Finding("disk", Severity.UNSEEN, said("The room on the disk cannot be seen."))
        return
    words = said("%(free).0f MB are free for the outbox.", free=vitals.disk_free_mb)
    mend = said("Make room: sudo journalctl --vacuum-size=50M, sudo apt clean; or use a larger card.")
    if vitals.disk_free_mb < _NO_ROOM_MB:
        yield Finding("disk", Severity.BROKEN, words, mend)
    elif vitals.disk_free_mb < _LITTLE_MB:
        yield Finding("disk", Severity.LOOK, words, mend)
    else:
        yield well("disk", words)


def clock(now: Instant) -> Finding:
    """The time, and whether it can be believed."""
    mend = said("Connect the network and wait a minute; timedatectl shows whether the time comes.")
    if now.wall.year < _FIRST_YEAR:
        words = said("The clock stands at %(time)s.", time=f"{now.wall:%Y-%m-%d %H:%M}")
        return Finding("clock", Severity.BROKEN, words, mend)
    words = said("The clock says %(time)s UTC.", time=f"{now.wall:%Y-%m-%d %H:%M}")
    if not now.is_synchronised:
        words = said(
            "The clock says %(time)s UTC and was not set from the network yet: records wait for it.",
            time=f"{now.wall:%Y-%m-%d %H:%M}",
        )
        return Finding("clock", Severity.LOOK, words, mend)
    return well("clock", words)

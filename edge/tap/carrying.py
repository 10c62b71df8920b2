"""What `tskaro-edge carry` does and says: the receipt first, then the outbox, then what is left to do."""

import sqlite3
from pathlib import Path

from rich.filesize import decimal

from edge.carry import Load, Settled, StickUnusable, carry, settle
from edge.outbox import Outbox, look_into
from edge.outbox.table import is_damage
from edge.tap.screen import Screen
from firmware_config.catalogues import msgid, said
from waterquality.errors import CustodyError


class NoOutbox(CustodyError):
    """There is no outbox that could be carried; mended by starting the agent."""


def visit(path: Path, stick: Path, *, device: str, serial: str, screen: Screen) -> None:
    """Bring the receipt from a stick and write the outbox to it.

    Args:
        path: of the outbox.
        stick: where the stick is mounted.
        device: id of this device.
        serial: of this machine.
        screen: where to say what was done.

    Raises:
        NoOutbox: mended by the operator.
        StickUnusable: mended by another stick.
    """
    if not stick.is_dir():
        raise StickUnusable(said("%(stick)s: no folder; is the stick mounted?", stick=stick))
    outbox = _opened(path, device, serial)
    try:
        _say_settled(settle(outbox, stick, device), screen)
        most = max(1, outbox.depth().records)
        with screen.bar() as tell:
            load = carry(
                outbox, stick, device, carried=lambda count: tell(min(1.0, count / most), f"{count}/{most}")
            )
    finally:
        outbox.close()
    _say_load(load, screen)


def _opened(path: Path, device: str, serial: str) -> Outbox:
    try:
        look_into(path)
        return Outbox(path, device=device, serial=serial, mends=False)
    except sqlite3.DatabaseError as error:
        what = said("%(path)s: no outbox to carry (%(why)s)", path=path, why=error)
        if is_damage(error):
            raise NoOutbox(said("%(what)s; restart the agent, which sets it aside", what=what)) from error
        raise NoOutbox(said("%(what)s; has the agent been started?", what=what)) from error


def _say_settled(settled: Settled, screen: Screen) -> None:
    if settled.trouble:
        screen.say(msgid("receipt on the stick not obeyed: %(why)s"), style="yellow", why=settled.trouble)
    elif settled.found:
        screen.say(
            msgid("receipt obeyed: %(count)d records are kept by the server and were forgotten here"),
            count=settled.forgotten,
        )
    else:
        screen.say(msgid("no receipt for this device on the stick"))


def _say_load(load: Load, screen: Screen) -> None:
    waiting = load.held - load.records
    if waiting > 0:
        screen.say(
            msgid(
                "%(count)d records wait for their time and stay here until the clock is known, or for a day"
            ),
            count=waiting,
        )
    if load.file is None:
        screen.say(msgid("nothing to carry"))
        return
    screen.say(
        msgid("%(count)d records carried in %(file)s (%(size)s)"),
        count=load.records,
        file=load.file,
        size=decimal(load.size_bytes),
    )
    screen.say(
        msgid(
            "they stay on this device until the stick brings their receipt: tskaro intake, then carry again"
        )
    )

"""What `tskaro-edge carry` does and says: the receipt first, then the outbox, then what is left to do."""

import sqlite3
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from edge.carry import Load, Settled, StickUnusable, carry, settle
from edge.outbox import Outbox, look_into
from edge.outbox.table import is_damage
from waterquality.errors import CustodyError


class NoOutbox(CustodyError):
    """There is no outbox that could be carried; mended by starting the agent."""


def visit(path: Path, stick: Path, *, device: str, serial: str, out: Console) -> None:
    """Bring the receipt from a stick and write the outbox to it.

    Args:
        path: of the outbox.
        stick: where the stick is mounted.
        device: id of this device.
        serial: of this machine.
        out: where to say what was done.

    Raises:
        NoOutbox: mended by the operator.
        StickUnusable: mended by another stick.
    """
    if not stick.is_dir():
        raise StickUnusable(f"{stick}: no folder; is the stick mounted?")
    outbox = _opened(path, device, serial)
    try:
        _say_settled(settle(outbox, stick, device), out)
        with Progress(
            TextColumn("carrying"), BarColumn(), MofNCompleteColumn(), console=out, transient=True
        ) as progress:
            task = progress.add_task("carrying", total=outbox.depth().records)
            load = carry(outbox, stick, device, carried=lambda count: progress.update(task, completed=count))
    finally:
        outbox.close()
    _say_load(load, out)


def _opened(path: Path, device: str, serial: str) -> Outbox:
    try:
        look_into(path)
        return Outbox(path, device=device, serial=serial, mends=False)
    except sqlite3.DatabaseError as error:
        mend = "restart the agent, which sets it aside" if is_damage(error) else "has the agent been started?"
        raise NoOutbox(f"{path}: no outbox to carry ({error}); {mend}") from error


def _say_settled(settled: Settled, out: Console) -> None:
    if settled.trouble:
        out.print(f"receipt on the stick not obeyed: {settled.trouble}", style="yellow")
    elif settled.found:
        out.print(
            f"receipt obeyed: {settled.forgotten} records are safe on the server and were forgotten here"
        )
    else:
        out.print("no receipt for this device on the stick")


def _say_load(load: Load, out: Console) -> None:
    waiting = load.held - load.records
    if waiting > 0:
        out.print(
            f"{waiting} records wait for their time and stay here until the clock is known, or for a day"
        )
    if load.file is None:
        out.print("nothing to carry")
        return
    out.print(f"{load.records} records carried in {load.file} ({decimal(load.size_bytes)})")
    out.print(
        "they stay on this device until the stick brings their receipt: tskaro intake, then carry again"
    )

"""What `tskaro intake` does and says: every file of a stick handed in, and its receipt laid beside it."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.bus.mqtt import BrokerAddress
from server.database.engine import Database
from server.ingest.carried import HandIn, files_of, open_carried, write_receipt
from server.registry.snapshot import read_registry
from waterquality.wire.carried import Carried
from waterquality.wire.rejection import Malformed


def hand_in(
    paths: Sequence[Path],
    *,
    database: Database,
    broker: BrokerAddress,
    out: Console,
    patience_s: float = 60.0,
) -> bool:
    """Hand in what lies at some paths.

    Args:
        paths: files of batches, or sticks that hold some.
        database: the registry, which must know the devices.
        broker: where ingest listens.
        out: where to say what was done.
        patience_s: how long nothing may be receipted before it is given up, in seconds.

    Returns:
        Whether everything was sound and has its receipt.

    Raises:
        LinkError: nobody takes it in now; nothing was lost; mended by time.
    """
    known = read_registry(database).devices
    is_well = True
    for path in paths:
        files = files_of(path)
        if not files:
            out.print(f"{path}: nothing that a device put there", style="yellow")
            is_well = False
        for file in files:
            is_well &= _hand_in_file(file, known, broker, out, patience_s)
    return is_well


def _hand_in_file(
    file: Path, known: frozenset[str], broker: BrokerAddress, out: Console, patience_s: float
) -> bool:
    try:
        carried = open_carried(file)
    except (Malformed, OSError) as trouble:
        out.print(f"{file}: not taken in: {trouble}", style="red", highlight=False)
        return False
    device = carried.owner.device
    if device not in known:
        out.print(
            f"{file}: {device} is not registered; register it, then take this in",
            style="red",
            highlight=False,
        )
        return False
    is_sound = _say_damage(file, carried, out)
    if not carried.batches:
        out.print(f"{file}: no batch in it")
        return is_sound
    client_id = f"tskaro-intake-{os.getpid()}-{secrets.token_hex(3)}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        HandIn(broker, client_id=client_id, patience_s=patience_s) as counter,
        Progress(*columns, console=out, transient=True) as progress,
    ):
        task = progress.add_task(device, total=len(carried.batches))
        receipt = counter.take_in(carried, progress=lambda done: progress.update(task, completed=done))
    place = write_receipt(file, carried.owner, receipt)
    records = sum(each.envelope.last - each.envelope.first + 1 for each in carried.batches)
    out.print(f"{file}: {records} records of {device} have a fate; receipt in {place}", highlight=False)
    return is_sound


def _say_damage(file: Path, carried: Carried, out: Console) -> bool:
    """Say what is wrong with a file; returns whether nothing is."""
    if carried.damaged:
        out.print(
            f"{file}: {carried.damaged} damaged lines passed over; the device still holds them",
            style="yellow",
        )
    if not carried.is_whole:
        out.print(
            f"{file}: cut short; the device still holds what is missing", style="yellow", highlight=False
        )
    return carried.is_whole and not carried.damaged

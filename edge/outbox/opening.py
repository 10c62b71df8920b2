"""Opening an outbox at power-on, whatever state its file is in."""

import sqlite3
from pathlib import Path

import structlog

from edge.outbox.box import Outbox
from edge.outbox.room import WhenFull
from edge.outbox.salvage import Salvaged, salvage, set_aside
from edge.outbox.table import check, is_damage

_log = structlog.get_logger()


def open_outbox(
    path: Path,
    *,
    device: str,
    serial: str,
    max_records: int = 1_000_000,
    when_full: WhenFull = WhenFull.DROP_OLDEST,
) -> tuple[Outbox, Path | None]:
    """Open the outbox; a damaged file is set aside, whole, and a new epoch begins with what can be read of it.

    Returns:
        The outbox, and where the damaged file was put (None when it was sound).

    Raises:
        sqlite3.OperationalError: it is locked, or cannot be opened or written now; nothing says that it is damaged,
            and it stays where it is; mended by the operator.
    """

    def opened(salvaged: Salvaged | None = None) -> Outbox:
        return Outbox(
            path,
            device=device,
            serial=serial,
            max_records=max_records,
            when_full=when_full,
            salvaged=salvaged,
        )

    try:
        if path.exists():
            check(path)
        return opened(), None
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        aside = set_aside(path)
        salvaged = salvage(aside)
        _log.error("outbox_damaged", set_aside=str(aside), salvaged=len(salvaged.rows), detail=str(error))
        return opened(salvaged), aside

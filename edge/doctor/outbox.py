"""How much the outbox holds, and for how long."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from edge.doctor.findings import Finding, Severity, well
from edge.outbox import look_into
from firmware_config.catalogues import said
from waterquality.readings import from_ms

_LONG = timedelta(hours=1)


def outbox(path: Path, now_ms: int) -> Finding:
    """The outbox, without touching it.

    Args:
        path: its file.
        now_ms: the time, milliseconds since 1970, UTC.
    """
    try:
        _, depth = look_into(path)
    except (sqlite3.DatabaseError, KeyError) as error:
        return Finding(
            "outbox",
            Severity.UNSEEN,
            said("%(path)s: there is no outbox to look into (%(why)s).", path=path, why=error),
            said(
                "Start the agent: sudo systemctl start tskaro-edge. If it runs, run the doctor as its user."
            ),
        )
    words = said(
        "%(held)d records wait for a receipt; %(head)d were recorded.", held=depth.records, head=depth.head
    )
    if depth.in_gaps:
        words = said(
            "%(held)d records wait for a receipt; %(gaps)d had to be dropped.",
            held=depth.records,
            gaps=depth.in_gaps,
        )
        return Finding(
            "outbox", Severity.LOOK, words, said("Bring the network back, or carry the outbox on a stick.")
        )
    if depth.oldest_ms is not None and now_ms - depth.oldest_ms > _LONG / timedelta(milliseconds=1):
        words = said(
            "%(held)d records wait for a receipt, the oldest since %(time)s UTC.",
            held=depth.records,
            time=f"{from_ms(depth.oldest_ms):%Y-%m-%d %H:%M}",
        )
        return Finding(
            "outbox", Severity.LOOK, words, said("Nothing is lost; they go when the network is back.")
        )
    return well("outbox", words)

"""The outbox: what the device has recorded and the server does not yet hold.

**Invariants**
* An appended record is on the disk before `append` returns (WAL, synchronous=FULL), and is forgotten only when
  the server says that it is stored, or is turned into a gap, which is itself a record.
* Within an epoch, sequence numbers are contiguous from 1; appended = forgotten + held.
* `taken_ms` rises strictly from record to record, by a millisecond at least, so that no two observations of
  a device share a point in the store.
* The epoch belongs to this file on this machine: a card cloned into another Pi starts a new one.

Not a queue of messages: it knows nothing of MQTT. One connection, one lock: sampler and uplink share it.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Instant
from waterquality.errors import CustodyError
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.wire.encode import Packed, body_of
from waterquality.wire.records import Certificate, Gap, GapWhy, Note, NoteKind

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    is_gap INTEGER NOT NULL DEFAULT 0,
    clock_uncertainty_s REAL NOT NULL DEFAULT 0,
    boottime_ms INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    is_synchronised INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS unsynchronised ON record (first) WHERE is_synchronised = 0;
"""
_MS_PER_S = 1000
_PRIMARY = 0xFF  # the part of an error code of SQLite that names its kind
_NO_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


class OutboxFull(CustodyError):
    """The disk takes nothing more: this record is lost, and counted as lost; mended by the operator."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How the outbox stands.

    Attributes:
        head: the highest sequence number given out; 0 before the first.
        held: the lowest sequence number still held; `head + 1` when nothing is.
        records: sequence numbers still held, gaps not counted.
        in_gaps: sequence numbers turned into gaps since the epoch began.
        oldest_ms: when the oldest held record was taken; None when nothing is held.
        receipt_ms: the server's time in the newest receipt, milliseconds since 1970, UTC; None before the first.
    """

    head: int
    held: int
    records: int
    in_gaps: int
    oldest_ms: int | None
    receipt_ms: int | None = None


class Outbox:
    """The records a device holds, in a SQLite file.

    Args:
        path: the file; made when missing.
        device: id of the device.
        serial: serial number of the machine, so that a cloned card is noticed.
        max_records: how many records to hold before the oldest become a gap.

    Raises:
        sqlite3.DatabaseError: the file is damaged; `open_outbox` sets it aside.
    """

    def __init__(self, path: Path, *, device: str, serial: str, max_records: int = 1_000_000) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._device, self._max_records = device, max_records
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._meta: dict[str, str] = dict(self._db.execute("SELECT key, value FROM meta").fetchall())
        if self._meta.get("serial") != serial:
            self._start_epoch(serial)
        self._count = self._scalar("SELECT count(*) FROM record WHERE is_gap = 0")

    @property
    def epoch(self) -> str:
        """Eight hex digits, made with this file on this machine."""
        return self._meta["epoch"]

    @property
    def head(self) -> int:
        """The highest sequence number given out; 0 before the first."""
        return int(self._meta["head"])

    @property
    def volume_m3(self) -> float:
        """What the meter stood at when it was last recorded, in m3, so that a restart counts on from there."""
        return float(self._meta.get("volume_m3", "0"))

    def append(self, instant: Instant, readings: Iterable[Reading]) -> Packed:
        """Keep one observation, for good, and give it its number.

        Args:
            instant: when it was taken.
            readings: at most one for each parameter.

        Raises:
            OutboxFull: the disk takes nothing more; mended by the operator.
        """
        taken = by_parameter(*readings)
        volume = taken[Parameter.VOLUME].value if Parameter.VOLUME in taken else None
        facts = {} if volume is None else {"volume_m3": volume}
        return self._append(instant, body_of(Observation(self._device, self.epoch, 0, 0, taken)), **facts)

    def keep_volume(self, volume_m3: float | None) -> None:
        """Keep what the meter stands at, between observations; nothing is written where it has not moved.

        Args:
            volume_m3: in m3; None where the meter gave none.

        Raises:
            OutboxFull: the disk takes nothing more; mended by the operator.
        """
        if volume_m3 is None or volume_m3 == self.volume_m3:
            return
        try:
            with self._writing():
                self._set(volume_m3=volume_m3)
        except sqlite3.OperationalError as error:
            message = f"the outbox takes nothing more: {error}"
            raise OutboxFull(message) from error

    def append_note(self, instant: Instant, kind: NoteKind, detail: str = "") -> Packed:
        """Keep something that happened and is no reading.

        Raises:
            OutboxFull: the disk takes nothing more; mended by the operator.
        """
        return self._append(instant, body_of(Note(0, 0, kind, detail)))

    @property
    def certificates_told(self) -> int:
        """The highest number of a certificate that was ever appended here; 0 before the first."""
        return int(self._meta.get("certificates_told", "0"))

    def append_certificate(self, instant: Instant, body: str, number: int) -> Packed:
        """Keep a calibration certificate, and with it how far certificates were told.

        Args:
            instant: when it is appended.
            body: its JSON text.
            number: its place in the folder of certificates.

        Raises:
            OutboxFull: the disk takes nothing more; mended by the operator.
        """
        return self._append(instant, body_of(Certificate(0, 0, body)), certificates_told=number)

    def after(self, seq: int, at_most: int) -> list[Packed]:
        """Held records above `seq` that may be sent, oldest first.

        A record whose time is still unknown (this boot has not synchronised) is not among them, nor any after it.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT first, last, taken_ms, body, clock_uncertainty_s FROM record WHERE first > ? AND first <"
                " coalesce((SELECT min(first) FROM record WHERE is_synchronised = 0), 9e18)"
                " ORDER BY first LIMIT ?",
                (seq, at_most),
            ).fetchall()
        return [Packed(*row) for row in rows]

    def discard(self, settled: IntervalSet, *, receipt_ms: int | None = None) -> int:
        """Forget what the server holds; returns how many records that was.

        Args:
            settled: what it holds for good.
            receipt_ms: the server's time in the receipt that says so.
        """
        with self._writing():
            if receipt_ms is not None:
                self._set(receipt_ms=receipt_ms)
            gone = 0
            for first, last in settled.spans:
                gaps = self._scalar(
                    "SELECT count(*) FROM record WHERE first >= ? AND last <= ? AND is_gap = 1", first, last
                )
                deleted = self._db.execute("DELETE FROM record WHERE first >= ? AND last <= ?", (first, last))
                gone += deleted.rowcount
                self._count -= deleted.rowcount - gaps
        return gone

    def discard_through(self, seq: int) -> int:
        """Forget everything up to a number; returns how many records that was."""
        return self.discard(IntervalSet(((1, seq),)) if seq >= 1 else IntervalSet())

    def depth(self) -> Depth:
        """How the outbox stands."""
        with self._lock:
            held, oldest = self._db.execute(
                "SELECT first, taken_ms FROM record ORDER BY first LIMIT 1"
            ).fetchone() or (self.head + 1, None)
            return Depth(
                self.head, held, self._count, int(self._meta["in_gaps"]), oldest, _receipt_ms(self._meta)
            )

    def begin_epoch(self) -> None:
        """Start anew, taking what is held along: this file is not the one the server knows.

        For a restored image, which would give out numbers a second time.
        """
        with self._lock:
            self._start_epoch(self._meta["serial"])

    def synchronise(self, instant: Instant) -> int:
        """Give the records of unknown time their time, now that the clock is right; returns how many.

        Those of this boot get it exactly, by the time since boot. Those of earlier boots that never synchronised
        get the late edge of what is known, the start of this boot, and an uncertainty that reaches back to the
        last time known before them, and to 1970 where none was.
        """
        boot_started_ms = instant.wall_ms - instant.boottime_ms
        with self._writing():
            rows = self._db.execute(
                "SELECT first, boottime_ms, boot_id FROM record WHERE is_synchronised = 0 ORDER BY first"
            ).fetchall()
            known_ms = int(self._meta["known_ms"])
            earlier = sum(1 for row in rows if row[2] != instant.boot_id)
            for place, (first, boottime_ms, boot_id) in enumerate(rows):
                if boot_id == instant.boot_id:
                    taken_ms, uncertainty_s = boot_started_ms + boottime_ms, 0.0
                else:
                    taken_ms = boot_started_ms - (earlier - place)
                    uncertainty_s = max(0, boot_started_ms - known_ms) / _MS_PER_S
                self._db.execute(
                    "UPDATE record SET taken_ms = ?, clock_uncertainty_s = ?, is_synchronised = 1 WHERE first = ?",
                    (max(taken_ms, known_ms + 1), uncertainty_s, first),
                )
                known_ms = max(taken_ms, known_ms + 1)
            self._set(known_ms=known_ms, last_ms=known_ms)
        return len(rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _append(self, instant: Instant, body: str, **facts: float) -> Packed:
        try:
            with self._writing():
                if self._count >= self._max_records:
                    self._make_room()
                seq = self.head + 1
                taken_ms = max(instant.wall_ms, int(self._meta["last_ms"]) + 1)
                self._db.execute(
                    "INSERT INTO record (first, last, taken_ms, body, boottime_ms, boot_id, is_synchronised)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (seq, seq, taken_ms, body, instant.boottime_ms, instant.boot_id, instant.is_synchronised),
                )
                self._set(head=seq, last_ms=taken_ms)
                if instant.is_synchronised:
                    self._set(known_ms=taken_ms)
                if facts:
                    self._set(**facts)
                self._count += 1
        except sqlite3.OperationalError as error:
            message = f"the outbox takes nothing more: {error}"
            raise OutboxFull(message) from error
        return Packed(seq, seq, taken_ms, body)

    def _make_room(self) -> None:
        """Turn the oldest tenth into a gap, together with gaps that touch it."""
        victims = self._db.execute(
            "SELECT first, last, is_gap, taken_ms, is_synchronised FROM record ORDER BY first LIMIT ?",
            (max(1, self._max_records // 10),),
        ).fetchall()
        runs = IntervalSet.of((row[0], row[1]) for row in victims).spans
        newest_ms, is_synchronised = victims[-1][3], min(row[4] for row in victims)
        for first, last in runs:
            self._db.execute("DELETE FROM record WHERE first >= ? AND last <= ?", (first, last))
            self._db.execute(
                "INSERT INTO record (first, last, taken_ms, body, is_gap, boottime_ms, boot_id, is_synchronised)"
                " VALUES (?, ?, ?, ?, 1, 0, '', ?)",
                (first, last, newest_ms, body_of(Gap(first, last, GapWhy.OUTBOX_FULL)), is_synchronised),
            )
        dropped = sum(1 for row in victims if not row[2])
        self._set(in_gaps=int(self._meta["in_gaps"]) + dropped)
        self._count -= dropped

    def _start_epoch(self, serial: str) -> None:
        with self._writing():
            rows: Sequence[tuple[int, int]] = self._db.execute(
                "SELECT first, is_gap FROM record ORDER BY first"
            ).fetchall()
            self._db.execute("DELETE FROM record WHERE is_gap = 1")
            kept = [first for first, is_gap in rows if not is_gap]
            for seq, first in enumerate(kept, start=1):
                self._db.execute("UPDATE record SET first = ?, last = ? WHERE first = ?", (seq, seq, first))
            self._set(
                epoch=secrets.token_hex(4),
                serial=serial,
                head=len(kept),
                in_gaps=0,
                last_ms=self._meta.get("last_ms", "0"),
                known_ms=self._meta.get("known_ms", "0"),
            )

    def _set(self, **values: object) -> None:
        for key, value in values.items():
            self._meta[key] = str(value)
        self._db.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(key, str(value)) for key, value in values.items()],
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            before, count = dict(self._meta), getattr(self, "_count", 0)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._meta, self._count = before, count
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _scalar(self, query: str, *values: int) -> int:
        (value,) = self._db.execute(query, values).fetchone()
        return int(value)


def look_into(path: Path) -> tuple[str, Depth]:
    """Epoch and depth of an outbox that another process may be using; changes nothing.

    Raises:
        sqlite3.DatabaseError: there is no sound outbox there.
    """
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        records, held, oldest = db.execute(
            "SELECT count(*) FILTER (WHERE is_gap = 0), min(first), min(taken_ms) FROM record"
        ).fetchone()
    head = int(meta["head"])
    depth = Depth(head, held or head + 1, records, int(meta["in_gaps"]), oldest, _receipt_ms(meta))
    return meta["epoch"], depth


def _receipt_ms(meta: Mapping[str, str]) -> int | None:
    return int(meta["receipt_ms"]) if "receipt_ms" in meta else None


def open_outbox(
    path: Path, *, device: str, serial: str, max_records: int = 1_000_000
) -> tuple[Outbox, Path | None]:
    """Open the outbox; a damaged file is set aside, whole, and a new epoch begins.

    Returns:
        The outbox, and where the damaged file was put (None when it was sound).

    Raises:
        sqlite3.OperationalError: it is locked, or cannot be opened or written now; nothing says that it is damaged,
            and it stays where it is; mended by the operator.
    """
    try:
        if path.exists():
            _check(path)
        return Outbox(path, device=device, serial=serial, max_records=max_records), None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY in _NO_DAMAGE:
            raise
        aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(3)}")
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return Outbox(path, device=device, serial=serial, max_records=max_records), aside


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        (word,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if word != "ok":
        raise sqlite3.DatabaseError(word)

"""The outbox: what the device has recorded and the server does not yet hold.

**Invariants**
* An appended record is on the disk before `append` returns (WAL, synchronous=FULL), and is forgotten only when
  the server says that it is stored, or is turned into a gap, which is itself a record.
* Within an epoch, sequence numbers are contiguous from 1; appended = forgotten + held.
* `taken_ms` rises strictly from record to record, by a millisecond at least, so that no two observations of
  a device share a point in the store. A time that was given is not changed within an epoch.
* The epoch belongs to this file on this machine. It ends where numbers could be given out twice, or the file was
  damaged; the new one takes along what is held and tells how the old one ended.

Not a queue of messages: it knows nothing of MQTT. One connection, one lock: sampler and uplink share it. Another
process may write to the same file (`tskaro-edge carry`): what is remembered here is read anew when it did.
"""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from edge.clock import Instant
from edge.outbox import looking, timing
from edge.outbox.adding import Entry, Limits, add, drop_oldest, lose
from edge.outbox.ballast import Ballast
from edge.outbox.dating import Known
from edge.outbox.depth import Depth, depth_of
from edge.outbox.epochs import first_epoch, start_epoch, take_in
from edge.outbox.file import OutboxFile
from edge.outbox.forgetting import forget_all
from edge.outbox.room import OutboxFull, WhenFull, is_full
from edge.outbox.salvage import Salvaged
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.wire.encode import Packed, body_of
from waterquality.wire.epochs import EpochWhy
from waterquality.wire.records import Certificate, Note, NoteKind

_Done = TypeVar("_Done")


class Outbox:
    """The records a device holds, in a SQLite file.

    Args:
        path: the file; made when missing.
        device: id of the device.
        serial: serial number of the machine, so that a cloned card is noticed.
        max_records: how many records to hold.
        when_full: what gives way when there are as many, or the disk takes nothing more.
        salvaged: what was left of a damaged file, to be taken over by a new one.
        mends: set the file aside when it turns out to be damaged; not while another process has it in use.

    Raises:
        sqlite3.DatabaseError: the file is damaged, and `open_outbox` sets it aside; or it cannot be used now.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: str,
        serial: str,
        max_records: int = 1_000_000,
        when_full: WhenFull = WhenFull.DROP_OLDEST,
        salvaged: Salvaged | None = None,
        mends: bool = True,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._device, self._serial = device, serial
        self._limits = Limits(max_records, when_full)
        self._ballast = Ballast(path)
        self._shown_before: tuple[str, int] | None = None  # epoch and mark, while records may be sent
        self._untold = 0  # numbers that the disk did not take, not even as a gap
        self._file = OutboxFile(path, self._opened, mends=mends)
        self._file.open(salvaged)
        self._ballast.lay()

    @property
    def epoch(self) -> str:
        """Eight hex digits, made with this file on this machine."""
        return self._file.state.epoch

    @property
    def head(self) -> int:
        """The highest sequence number given out; 0 before the first."""
        return self._file.state.head

    @property
    def known(self) -> Known:
        """The newest time that a record has."""
        return self._file.state.known

    @property
    def volume_m3(self) -> float:
        """What the meter stood at when it was last recorded, in m3, so that a restart counts on from there."""
        return self._file.state.volume_m3

    def append(self, instant: Instant, readings: Iterable[Reading]) -> Packed:
        """Keep one observation, for good, and give it its number.

        Args:
            instant: when it was taken.
            readings: at most one for each parameter.

        Raises:
            OutboxFull: it is not kept; its number is, or will be, part of a gap; mended by the operator.
        """
        taken = by_parameter(*readings)
        volume = taken[Parameter.VOLUME].value if Parameter.VOLUME in taken else None
        facts = {} if volume is None else {"volume_m3": volume}
        return self._keep(Entry(instant, body_of(Observation(self._device, self.epoch, 0, 0, taken)), facts))

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
            self._file.writing(lambda: self._file.remember(volume_m3=volume_m3))
        except sqlite3.OperationalError as error:
            raise OutboxFull(f"the outbox takes nothing more: {error}") from error

    def append_note(self, instant: Instant, kind: NoteKind, detail: str = "") -> Packed:
        """Keep something that happened and is no reading.

        Raises:
            OutboxFull: it is not kept; mended by the operator.
        """
        return self._keep(Entry(instant, body_of(Note(0, 0, kind, detail))))

    @property
    def certificates_told(self) -> int:
        """The highest number of a certificate that was ever appended here; 0 before the first."""
        return self._file.state.certificates_told

    def append_certificate(self, instant: Instant, text: str, number: int) -> Packed:
        """Keep a calibration certificate, and with it how far certificates were told.

        Args:
            instant: when it is appended.
            text: its JSON text.
            number: its place in the folder of certificates.

        Raises:
            OutboxFull: it is not kept; mended by the operator.
        """
        return self._keep(Entry(instant, body_of(Certificate(0, 0, text)), {"certificates_told": number}))

    def ask_time(self, instant: Instant) -> Packed:
        """Keep a note that goes out at once though nobody knows the time: its receipt will tell.

        Its own time is the earliest that it can be, and says nothing more.

        Raises:
            OutboxFull: it is not kept; mended by the operator.
        """
        return self._keep(Entry(instant, body_of(Note(0, 0, NoteKind.CLOCK_ASKED)), waits=False))

    def after(self, seq: int, at_most: int) -> list[Packed]:
        """Held records above `seq` that may be sent, oldest first; not those that wait for their time."""
        return self._file.reading(lambda: looking.sendable(self._file, seq, at_most))

    def taken_at(self, seq: int) -> tuple[str, int] | None:
        """Boot and time since boot (ms) of a record that is held; None when it is not."""
        return self.newest_within(IntervalSet(((seq, seq),)))

    def newest_within(self, settled: IntervalSet) -> tuple[str, int] | None:
        """Boot and time since boot (ms) of the newest held record among these; None where there is none."""
        return self._file.reading(lambda: looking.newest_within(self._file, settled))

    def discard(self, settled: IntervalSet, *, receipt_ms: int | None = None) -> int:
        """Forget what the server holds; returns how many records that was.

        Args:
            settled: what it holds for good.
            receipt_ms: the server's time in the receipt that says so.

        Raises:
            OutboxFull: the disk takes nothing more; nothing is forgotten; mended by the operator.
        """

        def forget() -> int:
            if receipt_ms is not None:
                self._file.remember(receipt_ms=receipt_ms)
            return forget_all(self._file, settled)

        return self._writing(forget)

    def discard_through(self, seq: int) -> int:
        """Forget everything up to a number; returns how many records that was."""
        return self.discard(IntervalSet(((1, seq),)) if seq >= 1 else IntervalSet())

    def depth(self) -> Depth:
        """How the outbox stands."""
        return self._file.reading(lambda: depth_of(self._file))

    def expose(self) -> None:
        """From now on whatever is held, and whatever comes, may have been sent; until `conceal`."""
        state = self._file.state
        self._shown_before = (state.epoch, state.exposed)
        if state.exposed < state.head:
            self._writing(lambda: self._file.remember(exposed=self.head))

    def conceal(self) -> None:
        """From now on what is recorded is not sent."""
        self._shown_before = None

    def denies(self, settled: IntervalSet, sent: IntervalSet | None = None) -> bool:
        """Whether a receipt speaks of what this outbox never sent: then the file is an old image, put back.

        Args:
            settled: what the receipt covers.
            sent: what was sent since `expose`, if anything was.
        """
        if settled and settled.spans[-1][1] > self.head:
            return True
        epoch, exposed = self._shown_before or (self.epoch, self._file.state.exposed)
        hidden = settled.above(exposed if epoch == self.epoch else 0)
        unsent = self._file.reading(lambda: looking.unsent(self._file, hidden))
        return any(number not in (sent or ()) for number in unsent)

    def begin_epoch(self, why: EpochWhy = EpochWhy.RESTORED_IMAGE) -> None:
        """Start anew, taking what is held along: this file is not the one the server knows."""
        self._file.writing(lambda: start_epoch(self._file, why, self._serial))

    def synchronise(self, instant: Instant) -> int:
        """Give the records of unknown time their time, now that the clock is right; returns how many.

        See `edge.outbox.dating`. Where the clock had been trusted and was ahead, what is held from ahead gets its
        time anew, under a new epoch: the server has refused it as it was.
        """
        return self._file.writing(lambda: timing.synchronise(self._file, instant))

    def release_overdue(self, instant: Instant) -> int:
        """Let those go that have waited a day for their time; returns how many.

        Args:
            instant: now, not synchronised.
        """
        if not self._file.counts.waiting:
            return 0
        return self._file.writing(lambda: timing.release_overdue(self._file, instant))

    def reckoned_ms(self, instant: Instant) -> int:
        """The earliest that it can be now, milliseconds since 1970: the wall time of `instant` is not believed."""
        return self._file.reading(lambda: timing.reckoned_ms(self._file, instant))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _keep(self, entry: Entry) -> Packed:
        def added() -> Packed | None:
            return add(
                self._file,
                entry,
                self._limits,
                untold=self._untold,
                is_exposed=self._shown_before is not None,
            )

        try:
            packed = self._file.writing(added)
        except sqlite3.OperationalError as error:
            packed = self._squeeze_in(error, added)
        self._ballast.lay()
        self._untold = 0
        if packed is None:
            raise OutboxFull("the outbox is full, and keeps what it holds: this record is part of a gap")
        return packed

    def _writing(self, work: Callable[[], _Done]) -> _Done:
        """Write what is no new record: a full disk takes it where the ballast goes."""
        try:
            return self._file.writing(work)
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
        try:
            self._ballast.let_go()
            return self._file.writing(work)
        except sqlite3.OperationalError as error:
            raise OutboxFull(f"the outbox takes nothing more: {error}") from error

    def _squeeze_in(
        self, trouble: sqlite3.OperationalError, added: Callable[[], Packed | None]
    ) -> Packed | None:
        """The disk takes nothing more: let go of the ballast, give up what is to be given up, and try again."""
        try:
            if not is_full(trouble):
                raise trouble
            self._ballast.let_go()
            if self._limits.when_full is WhenFull.KEEP_OLDEST:
                self._file.writing(lambda: lose(self._file, self._untold + 1))
                return None
            self._file.writing(lambda: drop_oldest(self._file, self._limits))
            self._file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return self._file.writing(added)
        except sqlite3.OperationalError as error:
            self._untold += 1
            raise OutboxFull(f"the outbox takes nothing more: {error}") from error

    def _opened(self, salvaged: Salvaged | None) -> None:
        """The file is open: see to its epoch."""
        if salvaged is not None:
            take_in(self._file, salvaged, self._serial)
        elif not self._file.state.epoch:
            first_epoch(self._file, self._serial)
        elif self._file.state.serial != self._serial:
            start_epoch(self._file, EpochWhy.OTHER_MACHINE, self._serial)

"""The outbox against a list, whatever happens in whatever order: nothing is lost, invented or doubled.

The model knows what was recorded and what the server holds. After every step: each record is on the device, at the
server, or said to be gone; numbers are contiguous; times rise; what the disk holds is what was promised.
"""

import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.clock import Instant
from edge.lanes import Lanes, SendingPolicy
from edge.obeying import Outcome, obey
from edge.outbox import Outbox, OutboxFull, WhenFull, open_outbox
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.encode import Packed, encode
from waterquality.wire.epochs import read_ended
from waterquality.wire.messages import Receipt
from waterquality.wire.records import Gap, Note, NoteKind, Record

START_MS = 1_763_900_040_000
MAX_RECORDS = 30
POLICY = SendingPolicy(batch_records=7, window_batches=2, repeat_after_s=10.0)


class Server:
    """What the server holds: the first content of every number, and what it was told is gone."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, int], Record] = {}
        self.gone: Counter[str] = Counter()  # numbers told as gaps, by epoch
        self.ended: dict[str, int] = {}  # epochs that were told to have ended, and their head
        self.settled: dict[str, IntervalSet] = {}

    def take(self, epoch: str, batch: list[Packed]) -> None:
        envelope = Envelope("kk-0001", epoch, batch[0].first, batch[-1].last)
        read = decode(encode("kk-0001", epoch, 1, batch), envelope)
        assert read.poisoned == ()
        for record in read.records:
            if isinstance(record, Gap):
                new = IntervalSet(((record.first, record.last),)) - self.settled.get(epoch, IntervalSet())
                self.gone[epoch] += len(new)
                continue
            first = self.held.setdefault((epoch, record.seq), record)
            assert first == record, "the same number came with other content"
            if isinstance(record, Note) and record.kind is NoteKind.EPOCH_BEGUN:
                ended = read_ended(record.detail)
                self.ended[ended.epoch] = ended.head
        covered = IntervalSet(((envelope.first, envelope.last),))
        self.settled[epoch] = self.settled.get(epoch, IntervalSet()) | covered

    def receipt(self, epoch: str) -> Receipt:
        settled = self.settled.get(epoch, IntervalSet())
        through = settled.through()
        return Receipt(epoch, through, settled.above(through), START_MS)

    def values(self) -> set[float]:
        """Every observation names itself by its value."""
        records = (record for record in self.held.values() if isinstance(record, Observation))
        return {record.readings[Parameter.TURBIDITY].value or 0.0 for record in records}


class OutboxAgainstAList(RuleBasedStateMachine):
    when_full = WhenFull.DROP_OLDEST
    serial = "pi-1"

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "o.db"
        self.server = Server()
        self.wall_ms, self.boot, self.boottime_ms = START_MS, 0, 0
        self.is_synchronised = True
        self.kept: set[float] = set()  # promised: `append` returned
        self.lost: set[float] = set()  # `append` said no
        self.may_be_lost = False  # a damaged file or an old image took something along
        self.count = 0
        self.image: Path | None = None
        self.is_restored = False  # what was denied once is denied once
        self.outbox = self.opened()
        self.lanes = self.connected()

    def opened(self) -> Outbox:
        outbox, _ = open_outbox(
            self.path, device="kk-0001", serial=self.serial, max_records=MAX_RECORDS, when_full=self.when_full
        )
        return outbox

    def connected(self) -> Lanes:
        self.epoch = self.outbox.epoch
        lanes = Lanes(self.outbox, POLICY, lambda: 0.0)
        lanes.reconnect()
        return lanes

    def now(self) -> Instant:
        wall_ms = self.wall_ms if self.is_synchronised else self.boottime_ms
        return Instant(wall_ms, self.boottime_ms, f"boot-{self.boot}", self.is_synchronised)

    # ---- what happens ---------------------------------------------------------------------------------------

    @rule(passed_ms=st.integers(1, 90_000))
    def append(self, passed_ms: int) -> None:
        self.wall_ms, self.boottime_ms = self.wall_ms + passed_ms, self.boottime_ms + passed_ms
        self.count += 1
        value = float(self.count)
        try:
            self.outbox.append(self.now(), [Reading(Parameter.TURBIDITY, value)])
            self.kept.add(value)
        except OutboxFull:
            self.lost.add(value)

    @rule()
    def append_some(self) -> None:
        for _ in range(9):
            self.append(60_000)

    @rule()
    def ask_time(self) -> None:
        if not self.is_synchronised:
            try:
                self.outbox.ask_time(self.now())
            except OutboxFull:
                assert self.when_full is WhenFull.KEEP_OLDEST

    @rule(step_ms=st.integers(-120_000, 120_000))
    def clock_is_slewed(self, step_ms: int) -> None:
        self.wall_ms += step_ms

    @rule(hours=st.integers(-30, 30))
    def clock_is_stepped(self, hours: int) -> None:
        self.wall_ms += hours * 3_600_000

    @rule(off_ms=st.integers(1_000, 10**8))
    def power_cut_and_a_boot_in_1970(self, off_ms: int) -> None:
        self.wall_ms += off_ms
        self.boot, self.boottime_ms, self.is_synchronised = self.boot + 1, 3_000, False
        self.crash()

    @rule()
    def synchronise(self) -> None:
        self.is_synchronised = True
        self.outbox.synchronise(self.now())
        assert self.outbox._file.counts.waiting == 0

    @rule(hours=st.integers(1, 30))
    def nobody_knows_the_time_for_long(self, hours: int) -> None:
        self.wall_ms, self.boottime_ms = (
            self.wall_ms + hours * 3_600_000,
            self.boottime_ms + hours * 3_600_000,
        )
        if not self.is_synchronised:
            self.outbox.release_overdue(self.now())

    @rule(arrives=st.booleans(), returns=st.booleans())
    def drain(self, arrives: bool, returns: bool) -> None:
        """A connection: the retained receipt, then what is due, then perhaps the receipt for it."""
        self.outbox.conceal()
        self.obey(self.server.receipt(self.outbox.epoch), sent=None)
        self.lanes = self.connected()
        self.outbox.expose()
        for _ in range(40):
            batch = self.lanes.next_batch(0.0)
            if not batch:
                break
            if arrives:
                self.server.take(self.outbox.epoch, list(batch))
            if returns:
                self.obey(self.server.receipt(self.outbox.epoch), sent=self.lanes.sent)

    @rule()
    def lose_link(self) -> None:
        self.outbox.conceal()

    @rule(data=st.data())
    def stale_receipt(self, data: st.DataObject) -> None:
        whole = self.server.receipt(self.outbox.epoch)
        through = data.draw(st.integers(0, whole.through))
        self.obey(Receipt(whole.epoch, through, IntervalSet(), START_MS), sent=self.lanes.sent)

    @rule(through=st.integers(1, 10**6))
    def receipt_of_another_epoch(self, through: int) -> None:
        before = self.outbox.depth()
        obeyed = obey(self.outbox, Receipt("00000000", through, IntervalSet(), START_MS))
        assert (obeyed.outcome, self.outbox.depth()) == (Outcome.OTHER_EPOCH, before)

    @rule()
    def receipt_beyond_the_head(self) -> None:
        epoch = self.outbox.epoch
        obeyed = obey(self.outbox, Receipt(epoch, self.outbox.head + 1, IntervalSet(), START_MS))
        assert obeyed.outcome is Outcome.DENIED
        assert self.outbox.epoch != epoch

    @rule(torn=st.binary(max_size=60).map(lambda some: some * 40))
    def crash(self, torn: bytes = b"") -> None:
        """Killed without a word, perhaps in the middle of a write: what is on the disk is what there is."""
        copy = self.copied("crash")
        if torn:
            with copy.with_name("o.db-wal").open("ab") as log:
                log.write(torn)
        self.outbox.close()
        self.path = copy
        self.outbox = self.opened()
        self.lanes = self.connected()

    @rule()
    def save_image(self) -> None:
        """Somebody copies the card."""
        self.image = self.copied("image")

    @precondition(lambda self: self.image is not None)
    @rule(grown=st.integers(0, 12))
    def put_image_back(self, grown: int) -> None:
        """The old card is put back, and gathers more before it comes to the line."""
        assert self.image is not None
        self.outbox.close()
        self.path, self.image = self.image, None
        self.outbox = self.opened()
        self.lanes = self.connected()
        self.kept &= self.values_held(self.rows()) | self.server.values()
        self.is_restored = True
        for _ in range(grown):
            self.append(60_000)

    @rule(more=st.integers(1, 5), grown=st.integers(0, 9))
    def old_image_meets_the_receipt_of_a_life_it_never_had(self, more: int, grown: int) -> None:
        """The card is copied, lives on at a good line, and the copy is put back and gathers its own."""
        self.save_image()
        for _ in range(more):
            self.append(60_000)
        self.drain(arrives=True, returns=True)
        self.put_image_back(grown)
        self.drain(arrives=True, returns=True)

    def copied(self, name: str) -> Path:
        copy = Path(tempfile.mkdtemp(prefix=name, dir=self.folder)) / "o.db"
        for suffix in ("", "-wal", "-epoch"):
            if self.path.with_name(f"o.db{suffix}").exists():
                shutil.copy(self.path.with_name(f"o.db{suffix}"), copy.with_name(f"o.db{suffix}"))
        return copy

    @rule(into_other_machine=st.booleans())
    def reopen(self, into_other_machine: bool) -> None:
        self.outbox.close()
        epoch = self.outbox.epoch
        if into_other_machine:
            self.serial = f"{self.serial}+"
        self.outbox = self.opened()
        self.lanes = self.connected()
        assert (self.outbox.epoch != epoch) == into_other_machine

    @rule()
    def full_disk(self) -> None:
        """The disk takes nothing, not even a gap; then there is room again."""
        self.outbox._file.db.execute("PRAGMA query_only = ON")
        self.append(60_000)
        assert float(self.count) in self.lost
        self.outbox._file.db.execute("PRAGMA query_only = OFF")
        self.append(60_000)

    @precondition(lambda self: self.count > 4)
    @rule(at=st.floats(0, 1), seed=st.integers(0, 9), length=st.sampled_from([1, 30, 1_024, 3_000]))
    def corrupt_file(self, at: float, seed: int, length: int) -> None:
        def corrupt() -> None:
            content = bytearray(self.path.read_bytes())
            start = int(at * len(content))
            garbage = random.Random(seed).randbytes(length)
            content[start : start + length] = garbage[: len(content[start : start + length])]
            self.path.write_bytes(content)

        self.outbox._file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.crash_with(corrupt)

    @precondition(lambda self: self.count > 4)
    @rule(is_gone=st.booleans())
    def empty_file(self, is_gone: bool) -> None:
        """A power cut leaves nothing of it, or a person takes it away."""
        epoch = self.outbox.epoch
        self.crash_with(lambda: self.path.unlink() if is_gone else self.path.write_bytes(b""))
        assert self.outbox.epoch != epoch

    def crash_with(self, harm: Callable[[], object]) -> None:
        epoch = self.outbox.epoch
        self.outbox.close()
        harm()
        self.outbox = self.opened()
        self.lanes = self.connected()
        self.may_be_lost = True
        if self.outbox.epoch != epoch:
            ended = self.outbox._file.state.ended[-1]
            assert read_ended(ended).epoch == epoch, "an epoch must end by its name, or its books stay open"

    def obey(self, receipt: Receipt, sent: IntervalSet | None) -> None:
        if obey(self.outbox, receipt, sent=sent).outcome is Outcome.DENIED:
            assert self.is_restored
            self.is_restored = False

    # ---- what is always so -----------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_in_silence(self) -> None:
        rows = self.rows()
        missing = self.kept - self.values_held(rows) - self.server.values()
        if not self.may_be_lost:
            told = sum(self.server.gone.values()) + sum(
                last - first + 1 for first, last, _, gap, _ in rows if gap
            )
            told += sum(self.gaps_told_in_notes(rows))
            assert len(missing) <= told, f"lost in silence: {sorted(missing)[:5]}"

    @invariant()
    def numbers_are_contiguous_and_counted(self) -> None:
        rows, depth = self.rows(), self.outbox.depth()
        assert all(one[1] < other[0] for one, other in pairwise(rows))
        assert depth.head >= (rows[-1][1] if rows else 0)
        assert depth.held == (rows[0][0] if rows else depth.head + 1)
        assert depth.records == sum(not gap for _, _, _, gap, _ in rows) <= MAX_RECORDS + 3

    @invariant()
    def times_rise(self) -> None:
        db = self.outbox._file.db
        query = (
            "SELECT taken_ms FROM record WHERE is_synchronised AND NOT (is_gap OR body LIKE ?) ORDER BY first"
        )
        times = [row[0] for row in db.execute(query, ("%clock_asked%",))]
        assert self.may_be_lost or all(one < other for one, other in pairwise(times))

    def rows(self) -> list[tuple[int, int, int, int, str]]:
        query = "SELECT first, last, taken_ms, is_gap, body FROM record ORDER BY first"
        return self.outbox._file.db.execute(query).fetchall()

    @staticmethod
    def sound(rows: list[tuple[int, int, int, int, str]]) -> list[str]:
        """Bodies that can be read; a bit that turned shows when its record is to be sent."""

        def is_sound(body: str) -> bool:
            with suppress(ValueError):
                return json.loads(f"[{body}]") is not None
            return False

        return [body for *_, body in rows if is_sound(body)]

    @classmethod
    def values_held(cls, rows: list[tuple[int, int, int, int, str]]) -> set[float]:
        entries = (entry for body in cls.sound(rows) for entry in json.loads(f"[{body}]"))
        return {float(entry["v"]) for entry in entries if entry.get("n") == "turbidity" and "v" in entry}

    def gaps_told_in_notes(self, rows: list[tuple[int, int, int, int, str]]) -> list[int]:
        held = [json.loads(f"[{body}]")[1]["vs"] for body in self.sound(rows) if "epoch_begun" in body]
        sent = [
            record.detail
            for record in self.server.held.values()
            if isinstance(record, Note) and record.kind is NoteKind.EPOCH_BEGUN
        ]
        return [len(read_ended(text).gaps) for text in {*held, *sent, *self.outbox._file.state.ended}]

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            try:
                self.everything_arrives_in_the_end()
            finally:
                self.outbox.close()
                shutil.rmtree(self.folder, ignore_errors=True)

    def everything_arrives_in_the_end(self) -> None:
        """With a good line and a right clock the outbox empties."""
        self.synchronise()
        for _ in range(40):
            self.drain(arrives=True, returns=True)
            if self.outbox.depth().records == 0:
                break
        assert self.outbox.depth().records == 0


class OutboxThatKeepsItsOldest(OutboxAgainstAList):
    when_full = WhenFull.KEEP_OLDEST


TestOutboxAgainstAList = OutboxAgainstAList.TestCase
TestOutboxAgainstAList.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, derandomize=True
)
TestOutboxThatKeepsItsOldest = OutboxThatKeepsItsOldest.TestCase
TestOutboxThatKeepsItsOldest.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, derandomize=True
)

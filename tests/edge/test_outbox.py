"""The outbox: nothing recorded is lost, and what is dropped is a record."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox import Outbox, OutboxFull, open_outbox
from edge.outbox.dating import EARLIEST_MS
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.encode import encode
from waterquality.wire.records import Gap, GapWhy, NoteKind, span_of

START_MS = 1_763_900_040_000


def at(ms: int, *, boot: str = "boot-1", up: int | None = None, synchronised: bool = True) -> Instant:
    return Instant(ms, ms - START_MS if up is None else up, boot, synchronised)


def turbid(value: float = 0.31) -> list[Reading]:
    return [Reading(Parameter.TURBIDITY, value)]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1", max_records=100)


def test_numbers_are_contiguous_from_one(outbox: Outbox) -> None:
    packed = [outbox.append(at(START_MS + 60_000 * n), turbid()) for n in range(3)]

    assert [one.first for one in packed] == [1, 2, 3]
    assert packed == outbox.after(0, 10)


def test_time_rises_by_a_millisecond_at_least_even_when_the_clock_is_set_back(outbox: Outbox) -> None:
    outbox.append(at(START_MS), turbid())
    outbox.append(at(START_MS), turbid())
    outbox.append(at(START_MS - 5_000), turbid())

    assert [one.taken_ms for one in outbox.after(0, 10)] == [START_MS, START_MS + 1, START_MS + 2]


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    appended = first.append(at(START_MS), turbid())
    epoch = first.epoch
    first.close()

    again = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")

    assert [appended] == again.after(0, 10)
    assert epoch == again.epoch
    assert again.append(at(START_MS), turbid()).first == 2


def test_only_what_the_server_holds_is_forgotten(outbox: Outbox) -> None:
    for n in range(10):
        outbox.append(at(START_MS + n), turbid())

    forgotten = outbox.discard(IntervalSet(((1, 4), (7, 8))))

    assert forgotten == 6
    assert [one.first for one in outbox.after(0, 10)] == [5, 6, 9, 10]
    assert (outbox.depth().head, outbox.depth().held, outbox.depth().records) == (10, 5, 4)


def test_a_full_outbox_turns_its_oldest_into_a_gap_that_can_be_sent(outbox: Outbox) -> None:
    for n in range(101):
        outbox.append(at(START_MS + n), turbid())

    held = outbox.after(0, 200)
    payload = encode("kk-0001", outbox.epoch, 1, held)
    read = decode(payload, Envelope("kk-0001", outbox.epoch, 1, 101))

    assert Gap(1, 10, GapWhy.OUTBOX_FULL) == read.records[0]
    assert [(1, 10), *((n, n) for n in range(11, 102))] == [span_of(record) for record in read.records]
    assert (outbox.depth().records, outbox.depth().in_gaps) == (91, 10)


def test_gaps_that_touch_become_one(outbox: Outbox) -> None:
    for n in range(115):
        outbox.append(at(START_MS + n), turbid())

    first = outbox.after(0, 1)[0]

    assert first.first == 1
    assert outbox.depth().in_gaps == first.last
    assert outbox.depth().records + outbox.depth().in_gaps == 115


def test_a_card_put_into_another_machine_starts_a_new_epoch_and_keeps_what_it_holds(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    bodies = [first.append(at(START_MS + n), turbid(n)).body for n in range(3)]
    first.discard_through(1)
    epoch = first.epoch
    first.close()

    cloned = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-2")

    assert epoch != cloned.epoch
    assert [(1, bodies[1]), (2, bodies[2])] == [(one.first, one.body) for one in cloned.after(0, 10)]


def test_a_restored_image_starts_a_new_epoch_on_demand(outbox: Outbox) -> None:
    outbox.append(at(START_MS), turbid())
    epoch = outbox.epoch

    outbox.begin_epoch()

    assert epoch != outbox.epoch
    assert [one.first for one in outbox.after(0, 10)] == [1]


def test_a_damaged_file_is_set_aside_whole_and_a_new_epoch_begins(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    first = Outbox(path, device="kk-0001", serial="pi-1")
    for n in range(500):
        first.append(at(START_MS + n), turbid())
    epoch = first.epoch
    first.close()
    damaged = bytearray(path.read_bytes())
    damaged[1024:5120] = os.urandom(4096)
    path.write_bytes(damaged)

    again, aside = open_outbox(path, device="kk-0001", serial="pi-1")

    assert aside is not None
    assert damaged == aside.read_bytes()
    assert again.epoch != epoch
    assert again.append(at(START_MS + 1_000), turbid()).first == again.head


def test_a_sound_file_is_not_set_aside(tmp_path: Path) -> None:
    open_outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")[0].close()

    assert open_outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")[1] is None


def test_records_of_unknown_time_wait_for_the_clock_and_then_get_their_true_time(outbox: Outbox) -> None:
    outbox.append(at(5_000, up=5_000, synchronised=False), turbid(1))
    outbox.append(at(65_000, up=65_000, synchronised=False), turbid(2))
    assert outbox.after(0, 10) == []

    corrected = outbox.synchronise(at(START_MS, up=3_600_000))

    assert corrected == 2
    boot_started = START_MS - 3_600_000
    assert [(boot_started + 5_000, 0.0), (boot_started + 65_000, 0.0)] == [
        (one.taken_ms, one.clock_uncertainty_s) for one in outbox.after(0, 10)
    ]


def test_a_boot_that_never_knew_the_time_gets_its_late_edge_and_an_uncertainty(outbox: Outbox) -> None:
    outbox.append(at(START_MS), turbid())
    outbox.append(at(START_MS + 10, boot="boot-2", up=10_000, synchronised=False), turbid())

    outbox.synchronise(at(START_MS + 86_400_000, boot="boot-3", up=60_000))

    unsure = outbox.after(1, 1)[0]
    started = START_MS + 86_400_000 - 60_000
    assert started - 1 == unsure.taken_ms
    assert unsure.clock_uncertainty_s == math.ceil((started - START_MS - 10_000) / 1000)


def test_notes_are_records_like_others(outbox: Outbox) -> None:
    note = outbox.append_note(at(START_MS), NoteKind.STARTED, "0.1.0")

    assert note.body == '{"n":"note","vs":"started"},{"n":"note/detail","vs":"0.1.0"}'


_APPEND_FOR_EVER = """
import sys
from pathlib import Path
from edge.clock import Instant
from edge.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), device="kk-0001", serial="pi-1")
for n in range(1_000_000):
    packed = outbox.append(Instant(1_763_900_040_000 + n, n, "b", True), [])
    sys.stdout.write(f"{packed.first}\\n")
    sys.stdout.flush()
"""


def test_an_agent_killed_in_the_middle_of_appending_has_all_that_it_said_it_has(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with subprocess.Popen(
        [sys.executable, "-c", _APPEND_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().split() if line.isdigit()]

    outbox, aside = open_outbox(path, device="kk-0001", serial="pi-1")

    assert aside is None
    head = outbox.depth().head
    assert head >= max(said, default=50)
    assert list(range(1, head + 1)) == [one.first for one in outbox.after(0, head + 10)]


def test_where_no_time_was_ever_known_the_uncertainty_says_so(outbox: Outbox) -> None:
    outbox.append(at(5_000, up=5_000, boot="boot-0", synchronised=False), turbid())
    outbox.synchronise(at(START_MS, up=60_000))

    (row,) = outbox.after(0, 10)
    assert row.taken_ms == START_MS - 60_000 - 1
    assert row.clock_uncertainty_s == math.ceil((row.taken_ms - EARLIEST_MS - 5_000) / 1000)


def test_the_meter_is_kept_between_observations_and_nothing_is_written_while_it_stands(tmp_path):
    outbox = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    outbox.keep_volume(1.25)
    changes = outbox._file.db.total_changes
    outbox.keep_volume(1.25)
    outbox.keep_volume(None)

    assert outbox._file.db.total_changes == changes
    outbox.close()
    again = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    assert (again.volume_m3, again.head) == (1.25, 0)
    again.close()


def test_a_meter_that_the_disk_does_not_take_is_said_as_such(tmp_path):
    outbox = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    outbox._file.db.execute("PRAGMA query_only = 1")

    with pytest.raises(OutboxFull):
        outbox.keep_volume(1.25)
    assert outbox.volume_m3 == 0.0
    outbox.close()


def test_a_recording_that_is_older_than_this_program_keeps_its_own_times(outbox: Outbox) -> None:
    epoch = outbox.epoch
    for n in range(3):
        outbox.append(at(1_400_000_000_000 + n), turbid())

    assert [one.taken_ms for one in outbox.after(0, 9)] == [1_400_000_000_000 + n for n in range(3)]
    assert outbox.epoch == epoch

"""A full disk, really full: what goes is told as a gap, and nobody stops."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox import Outbox, OutboxFull, WhenFull
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.records import NoteKind

START_MS = 1_763_900_040_000
_DISK = "3500k"


def at(n: int) -> Instant:
    return Instant(START_MS + 60_000 * n, 60_000 * n, "boot-1", is_synchronised=True)


def turbid(n: int) -> list[Reading]:
    return [Reading(Parameter.TURBIDITY, float(n), raw=3.0 + n)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where we may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def opened(disk: Path, when_full: WhenFull) -> Outbox:
    return Outbox(disk / "o.db", device="kk-0001", serial="pi-1", when_full=when_full)


def fill_up(disk: Path) -> None:
    """Somebody's log takes the rest of the disk."""
    with (disk / "somebodys.log").open("wb", buffering=0) as log:
        try:
            while True:
                log.write(bytes(4096))
        except OSError:
            return


def numbers(outbox: Outbox) -> IntervalSet:
    return IntervalSet.of((row.first, row.last) for row in outbox.after(0, 1_000_000))


@pytest.mark.parametrize("when_full", WhenFull)
def test_a_disk_that_fills_up_costs_gaps_and_no_silence(disk: Path, when_full: WhenFull) -> None:
    outbox = opened(disk, when_full)
    for n in range(40):
        outbox.append(at(n), turbid(n))
    fill_up(disk)

    refused = 0
    for n in range(40, 3_000):
        try:
            outbox.append(at(n), turbid(n))
        except OutboxFull:
            refused += 1

    depth = outbox.depth()
    assert depth.head == 3_000
    assert numbers(outbox).spans == ((1, 3_000),), "a number is neither held nor in a gap"
    assert depth.records + depth.in_gaps == 3_000
    assert depth.in_gaps > 0
    assert (refused == 0) == (when_full is WhenFull.DROP_OLDEST)
    oldest, newest = outbox.after(0, 1)[0], outbox.after(2_999, 1)
    assert ("gap" in oldest.body) == (when_full is WhenFull.DROP_OLDEST)
    assert newest or when_full is WhenFull.KEEP_OLDEST
    outbox.close()


def test_what_was_dropped_is_told_also_after_a_restart(disk: Path) -> None:
    outbox = opened(disk, WhenFull.DROP_OLDEST)
    fill_up(disk)
    for n in range(3_000):
        outbox.append(at(n), turbid(n))
    outbox.close()

    again = opened(disk, WhenFull.DROP_OLDEST)

    assert numbers(again).spans == ((1, 3_000),)
    assert "gap" in again.after(0, 1)[0].body
    assert again.depth().in_gaps == 3_000 - again.depth().records
    again.close()


def test_a_disk_with_room_again_takes_everything_again(disk: Path) -> None:
    outbox = opened(disk, WhenFull.KEEP_OLDEST)
    fill_up(disk)
    kept = 0
    while True:
        try:
            outbox.append(at(kept), turbid(kept))
            kept += 1
        except OutboxFull:
            break
    (disk / "somebodys.log").unlink()

    more = [outbox.append(at(kept + n), turbid(n)).first for n in range(1, 101)]

    assert more == list(range(kept + 2, kept + 102))
    assert numbers(outbox).spans == ((1, kept + 101),)
    assert (disk / "o.db.ballast").stat().st_blocks > 0
    outbox.close()


def test_an_outbox_of_so_many_records_keeps_the_oldest_where_it_is_told_to(tmp_path: Path) -> None:
    outbox = Outbox(
        tmp_path / "o.db", device="kk-0001", serial="pi-1", max_records=10, when_full=WhenFull.KEEP_OLDEST
    )
    for n in range(10):
        outbox.append(at(n), turbid(n))
    for n in range(10, 15):
        with pytest.raises(OutboxFull):
            outbox.append(at(n), turbid(n))
    outbox.discard_through(3)
    outbox.append(at(20), turbid(20))

    assert [(one.first, one.last) for one in outbox.after(8, 9)] == [(9, 9), (10, 10), (11, 15), (16, 16)]


def test_thirty_days_without_a_network_take_less_than_a_hundred_megabytes(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1")
    outbox._file.db.execute("PRAGMA synchronous = OFF")  # its size is asked, not its speed
    readings = [
        Reading(Parameter.TURBIDITY, 0.3127, raw=3.98213),
        Reading(Parameter.PH, 7.4219, raw=1.43215),
        Reading(Parameter.FLOW, 10.9812),
        Reading(Parameter.VOLUME, 182.3312),
        Reading(Parameter.TEMPERATURE, 12.3125),
    ]
    for n in range(30 * 24 * 60):
        outbox.append(at(n), readings)
    outbox.close()

    size = sum(each.stat().st_size for each in tmp_path.iterdir() if each.is_file())
    assert size < 100e6
    print(f"{size / 1e6:.1f} MB")  # noqa: T201 - a figure for docs/performance.md


def test_notes_and_certificates_outlast_observations(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", device="kk-0001", serial="pi-1", max_records=20)
    outbox.append_certificate(at(0), '{"id":"ph-1"}', 1)
    for n in range(1, 60):
        outbox.append(at(n), turbid(n))
    outbox.append_note(at(60), NoteKind.STARTED)

    kept = outbox.after(0, 99)
    assert "certificate" in kept[0].body
    assert numbers(outbox).spans == ((1, 61),)
    assert outbox.depth().records <= 20


def test_a_receipt_is_obeyed_on_a_full_disk_or_said_not_to_be(disk: Path) -> None:
    outbox = opened(disk, WhenFull.KEEP_OLDEST)
    for n in range(40):
        outbox.append(at(n), turbid(n))
    fill_up(disk)
    forgotten, said = 0, False
    for n in range(1, 41):
        try:
            forgotten += outbox.discard_through(n)
        except OutboxFull:
            said = True

    assert forgotten == 40 or said
    assert outbox.depth().records == 40 - forgotten
    outbox.expose()
    outbox.close()

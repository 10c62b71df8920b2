"""Damage of the file, found at any moment: set aside, saved what can be saved, and told."""

import json
import sqlite3
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox import Outbox, open_outbox
from edge.outbox.plate import EVERY, Plate, plate_of, read_plate
from edge.outbox.salvage import salvage
from edge.outbox.table import PARTS
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.epochs import EpochWhy, read_ended

START_MS = 1_763_900_040_000


def at(n: int) -> Instant:
    return Instant(START_MS + 60_000 * n, 60_000 * n, "boot-1", is_synchronised=True)


def opened(path: Path, **given: bool) -> Outbox:
    return Outbox(path, device="kk-0001", serial="pi-1", **given)


def filled(path: Path, count: int = 300) -> Outbox:
    outbox = opened(path)
    for n in range(count):
        outbox.append(at(n), [Reading(Parameter.TURBIDITY, float(n))])
    return outbox


def harm(path: Path, *, page: int) -> None:
    content = bytearray(path.read_bytes())
    content[1024 * (page - 1) : 1024 * page] = b"\xee" * 1024
    path.write_bytes(content)


def told(outbox: Outbox) -> list[str]:
    return [one.body for one in outbox.after(0, 10_000) if "epoch_begun" in one.body]


@pytest.mark.parametrize("offset", range(0, 1024, 8))
def test_a_damaged_schema_that_is_no_text_is_damage_like_any_other(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "o.db"
    filled(path, 5).close()
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\xb7\xff\x80\xb7\xff\x80\xb7\xff"
    path.write_bytes(content)

    outbox, _ = open_outbox(path, device="kk-0001", serial="pi-1")
    outbox.append(at(6), [])

    assert outbox.depth().records >= 1


def test_a_record_that_was_damaged_while_it_waited_for_its_time_is_not_given_a_good_checksum(
    tmp_path: Path,
) -> None:
    outbox = opened(tmp_path / "o.db")
    outbox.append(Instant(0, 60_000, "boot-1", is_synchronised=False), [Reading(Parameter.TURBIDITY, 4.0)])
    outbox._file.db.execute("UPDATE record SET body = replace(body, 'NTU', 'NTV')")

    outbox.append(at(2), [])

    assert not [one for one in outbox.after(0, 10) if "NTV" in one.body]
    assert told(outbox)


def test_what_can_be_read_of_a_damaged_file_comes_along_and_the_rest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    first = filled(path)
    epoch = first.epoch
    first.close()
    harm(path, page=20)

    outbox, aside = open_outbox(path, device="kk-0001", serial="pi-1")
    saved = outbox.depth().records
    outbox.append(at(301), [])

    assert aside is not None
    assert 280 <= saved < 300, "one page of a kilobyte holds a handful of records"
    (note,) = told(outbox)
    ended = salvage(aside).ended
    assert (ended.epoch, ended.head, ended.why, len(ended.moved)) == (epoch, 300, EpochWhy.DAMAGED, saved)
    assert epoch in note
    outbox.close()


def test_damage_that_shows_while_the_agent_runs_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    outbox = filled(path)
    epoch = outbox.epoch
    outbox._file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(path, page=20)
    outbox._file.db.execute("PRAGMA shrink_memory")  # what SQLite remembers of the page is forgotten

    read = outbox.after(0, 1_000)
    outbox.append(at(301), [])

    assert outbox.epoch != epoch
    assert 280 <= len(read) < 300
    assert len(list(tmp_path.glob("o.db.damaged-*"))) >= 1
    assert len(told(outbox)) == 1
    outbox.close()


def test_a_bit_that_turned_in_a_record_is_seen_and_costs_that_record(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    outbox = filled(path)
    outbox._file.db.execute(
        "UPDATE record SET body = replace(body, 'turbidity', 'turbiditz') WHERE first = 7"
    )

    read = outbox.after(0, 1_000)

    assert len(read) == 299
    assert all("turbiditz" not in one.body for one in read)
    outbox.close()


def test_what_was_known_of_the_time_and_the_meter_survives_damage(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    outbox = filled(path)
    outbox.append(at(300), [Reading(Parameter.VOLUME, 182.5)])
    outbox.close()
    harm(path, page=20)

    again, _ = open_outbox(path, device="kk-0001", serial="pi-1")

    assert (again.known.ms, again.volume_m3) == (START_MS + 60_000 * 300, 182.5)
    again.close()


def test_a_file_in_use_elsewhere_is_not_set_aside_by_who_merely_carries(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    filled(path).close()
    harm(path, page=20)

    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        opened(path, mends=False).after(0, 1_000)

    assert list(tmp_path.glob("o.db.damaged-*")) == []


def test_of_many_damaged_files_the_newest_few_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    for _ in range(6):
        path.write_bytes(b"no database at all, and longer than the header of one is" * 10)
        open_outbox(path, device="kk-0001", serial="pi-1")[0].close()

    assert len([each for each in tmp_path.glob("o.db.damaged-*") if not each.name.endswith(PARTS[1:])]) == 3


def test_another_process_that_forgets_and_appends_is_noticed(tmp_path: Path) -> None:
    agent = filled(tmp_path / "o.db", 10)
    other = opened(tmp_path / "o.db")
    other.discard_through(4)

    assert (agent.depth().held, agent.depth().records) == (5, 6)
    assert other.append(at(11), []).first == 11
    assert agent.append(at(12), []).first == 12
    assert agent.depth().records == 8
    agent.close()
    other.close()


def test_how_an_epoch_ended_is_told_once_and_can_be_read(tmp_path: Path) -> None:
    outbox = filled(tmp_path / "o.db", 10)
    epoch = outbox.epoch
    outbox.discard_through(4)
    outbox.begin_epoch()
    outbox.append(at(11), [])
    outbox.append(at(12), [])

    assert len(told(outbox)) == 1
    (row,) = (one for one in outbox.after(0, 99) if "epoch_begun" in one.body)
    ended = read_ended(json.loads(f"[{row.body}]")[1]["vs"])
    assert (ended.epoch, ended.head, ended.moved.spans, ended.gaps.spans) == (epoch, 10, ((5, 10),), ())
    outbox.close()


@pytest.mark.parametrize(
    "harm_it", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"\0" * 9_000)]
)
def test_an_outbox_of_which_nothing_is_left_still_ends_by_its_name(tmp_path: Path, harm_it) -> None:
    path = tmp_path / "o.db"
    first = filled(path)
    epoch = first.epoch
    first.close()
    harm_it(path)

    outbox, _ = open_outbox(path, device="kk-0001", serial="pi-1")
    outbox.append(at(301), [])

    (note,) = told(outbox)
    ended = read_ended(json.loads(f"[{note}]")[1]["vs"])
    assert (ended.epoch, ended.why) == (epoch, EpochWhy.DAMAGED)
    assert 300 - EVERY < ended.head <= 300
    outbox.close()


def test_a_page_of_memory_that_is_gone_costs_neither_the_epoch_nor_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    first = filled(path, 30)
    epoch = first.epoch
    first._file.db.execute("UPDATE meta SET value = 'nonsense'")
    first.close()

    outbox, aside = open_outbox(path, device="kk-0001", serial="pi-1")

    assert aside is not None
    ended = salvage(aside).ended
    assert (ended.epoch, ended.head, len(ended.moved)) == (epoch, 30, 30)
    assert outbox.depth().records == 30
    outbox.close()


@pytest.mark.parametrize("plate", [b"", b"00000000 {}", b"\xff\xfe", b'6 {"epoch":"9f1c2a7e","head":7}'])
def test_a_plate_that_makes_no_sense_says_nothing_and_is_hung_anew(tmp_path: Path, plate: bytes) -> None:
    path = tmp_path / "o.db"
    filled(path, 1).close()
    plate_of(path).write_bytes(plate)

    assert read_plate(path) == Plate()
    again = opened(path)

    assert read_plate(path) == Plate(again.epoch, 1)
    again.close()


def test_the_plate_is_written_once_in_sixty_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung: list[Plate] = []
    monkeypatch.setattr("edge.outbox.file.hang", lambda _, plate: hung.append(plate))

    outbox = filled(tmp_path / "o.db", 2 * EVERY + 1)

    assert [plate.head for plate in hung] == [0, EVERY, 2 * EVERY]
    outbox.close()


def test_an_end_that_was_not_told_yet_is_told_though_the_next_file_is_damaged_too(
    tmp_path: Path,
) -> None:
    path = tmp_path / "o.db"
    first = filled(path, 30)
    epochs = [first.epoch]
    first.begin_epoch()
    epochs.append(first.epoch)
    first.close()
    harm(path, page=6)

    outbox, aside = open_outbox(path, device="kk-0001", serial="pi-1")
    outbox.append(at(301), [])

    assert aside is not None
    notes = [json.loads(f"[{note}]")[1]["vs"] for note in told(outbox)]
    assert [read_ended(note).epoch for note in notes] == epochs
    outbox.close()

"""Carrying an outbox on a stick: nothing is forgotten without a receipt, and every kind of stick ends right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.carry import Settled, StickUnusable, carry, settle
from edge.clock import Instant
from edge.outbox import Outbox
from edge.tap.speaking import speech_of
from waterquality.intervals import IntervalSet
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import Reading
from waterquality.wire.carried import Carried, Owner, read_carried, receipt_file
from waterquality.wire.decode import decode
from waterquality.wire.messages import Receipt
from waterquality.wire.records import span_of
from waterquality.wire.rejection import Malformed

START_MS = 1_763_900_040_000
DEVICE = "kk-0001"


def at(n: int, *, synchronised: bool = True) -> Instant:
    return Instant(START_MS + 60_000 * n, 60_000 * n, "boot-1", synchronised)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "usb").mkdir()
    return tmp_path / "usb"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "o.db", device=DEVICE, serial="pi-1")
    for n in range(450):
        box.append(at(n), [Reading(Parameter.PH, 7.4)])
    yield box
    box.close()


def on(stick: Path, outbox: Outbox) -> Path:
    return stick / "tskaro" / Owner(DEVICE, outbox.epoch).batches_name


def read(file: Path) -> Carried:
    return read_carried(file.read_bytes().splitlines(keepends=True))


def trouble(settled: Settled) -> str:
    assert settled.trouble is not None
    return speech_of(Language.EN).say(settled.trouble)


def numbers(carried: Carried) -> list[int]:
    records = [record for each in carried.batches for record in decode(each.payload, each.envelope).records]
    return [span_of(record)[0] for record in records]


def bring_receipt(
    stick: Path, outbox: Outbox, through: int, *ranges: tuple[int, int], epoch: str = ""
) -> Path:
    owner = Owner(DEVICE, epoch or outbox.epoch)
    (stick / "tskaro").mkdir(exist_ok=True)
    place = stick / "tskaro" / owner.receipt_name
    place.write_bytes(receipt_file(owner, Receipt(owner.epoch, through, IntervalSet.of(ranges), START_MS)))
    return place


def test_all_of_the_outbox_is_on_the_stick_as_it_would_have_travelled(stick: Path, outbox: Outbox) -> None:
    counted: list[int] = []
    load = carry(outbox, stick, DEVICE, carried=counted.append)

    carried = read(on(stick, outbox))
    assert (carried.owner, carried.is_whole, carried.damaged) == (Owner(DEVICE, outbox.epoch), True, 0)
    assert numbers(carried) == list(range(1, 451))
    assert (load.records, counted[-1], outbox.depth().records) == (450, 450, 450)


def test_nothing_is_forgotten_before_the_receipt_and_all_of_it_after(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    assert not settle(outbox, stick, DEVICE).found
    bring_receipt(stick, outbox, 400, (410, 450))

    settled = settle(outbox, stick, DEVICE)
    load = carry(outbox, stick, DEVICE)

    assert (settled.forgotten, settled.trouble) == (441, None)
    assert numbers(read(on(stick, outbox))) == list(range(401, 410))
    assert load.records == 9


def test_a_stick_whose_receipt_covers_all_leaves_nothing_to_carry(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    bring_receipt(stick, outbox, 450)
    settle(outbox, stick, DEVICE)

    assert carry(outbox, stick, DEVICE).file is None
    assert not on(stick, outbox).exists()


def test_a_damaged_receipt_is_said_and_changes_nothing(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    place = bring_receipt(stick, outbox, 450)
    place.write_bytes(place.read_bytes().replace(b"450", b"449"))

    assert "damaged" in trouble(settle(outbox, stick, DEVICE))
    assert outbox.depth().records == 450


def test_a_receipt_of_another_epoch_or_device_is_not_obeyed(stick: Path, outbox: Outbox) -> None:
    bring_receipt(stick, outbox, 450, epoch="00000000")
    own = stick / "tskaro" / Owner(DEVICE, outbox.epoch).receipt_name
    stranger = Owner("kk-0002", outbox.epoch)
    assert not settle(outbox, stick, DEVICE).found
    own.write_bytes(receipt_file(stranger, Receipt(outbox.epoch, 450, IntervalSet(), START_MS)))

    assert "kk-0002" in trouble(settle(outbox, stick, DEVICE))
    assert outbox.depth().records == 450


def test_a_receipt_for_what_was_never_shown_begins_a_new_epoch(stick: Path, outbox: Outbox) -> None:
    epoch = outbox.epoch
    bring_receipt(stick, outbox, 450)

    assert "old image" in trouble(settle(outbox, stick, DEVICE))
    assert outbox.epoch != epoch
    assert outbox.depth().records == 450


def test_the_same_stick_serves_several_devices(stick: Path, outbox: Outbox, tmp_path: Path) -> None:
    other = Outbox(tmp_path / "other.db", device="kk-0002", serial="pi-2")
    other.append(at(1), [])
    carry(outbox, stick, DEVICE)
    carry(other, stick, "kk-0002")

    assert len(list((stick / "tskaro").glob("*.batches"))) == 2
    other.close()


def test_what_waits_for_its_time_stays_and_is_counted(stick: Path, outbox: Outbox) -> None:
    outbox.append(at(600, synchronised=False), [])

    load = carry(outbox, stick, DEVICE)

    assert (load.records, load.held) == (450, 451)


def test_a_stick_that_takes_nothing_is_said_and_the_old_file_stays(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    before = on(stick, outbox).read_bytes()
    (stick / "tskaro" / f"{on(stick, outbox).stem}.new").mkdir()

    with pytest.raises((StickUnusable, IsADirectoryError)):
        carry(outbox, stick, DEVICE)

    assert on(stick, outbox).read_bytes() == before


def test_a_file_cut_short_is_known_and_its_sound_batches_are_read(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    whole = on(stick, outbox).read_bytes()

    carried = read_carried(whole[: len(whole) * 2 // 3].splitlines(keepends=True))

    assert not carried.is_whole
    assert numbers(carried) == list(range(1, 200 * len(carried.batches) + 1))
    assert len(carried.batches) >= 1


def test_a_damaged_line_harms_no_other(stick: Path, outbox: Outbox) -> None:
    carry(outbox, stick, DEVICE)
    lines = on(stick, outbox).read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:-20] + b"x" * 19 + b"\n"

    carried = read_carried(lines)

    assert (carried.damaged, carried.is_whole) == (1, True)
    assert numbers(carried) == list(range(201, 451))


def test_a_batch_of_another_device_in_a_file_is_not_read(stick: Path, outbox: Outbox, tmp_path: Path) -> None:
    other = Outbox(tmp_path / "other.db", device="kk-0002", serial="pi-2")
    other.append(at(1), [])
    carry(outbox, stick, DEVICE)
    carry(other, stick, "kk-0002")
    foreign = (
        (stick / "tskaro" / Owner("kk-0002", other.epoch).batches_name).read_bytes().splitlines(keepends=True)
    )
    own = on(stick, outbox).read_bytes().splitlines(keepends=True)

    carried = read_carried([*own[:-1], foreign[1], own[-1]])

    assert {each.envelope.device for each in carried.batches} == {DEVICE}
    assert carried.damaged == 1
    other.close()


@pytest.mark.parametrize("content", [b"", b"\xff" * 90, b"{}", b"0" * 64 + b" {}"])
def test_what_is_no_file_of_ours_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        read_carried([content])

"""The golden messages of wire version 1, read by what the server uses; and what the device writes, read back."""

import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import observation
from waterquality.flags import Flag, Screened, Why
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.deflate import DICTIONARY
from waterquality.wire.encode import encode, pack
from waterquality.wire.messages import (
    Health,
    Presence,
    Receipt,
    Status,
    decode_health,
    decode_receipt,
    decode_status,
    encode_health,
    encode_receipt,
    encode_status,
)
from waterquality.wire.records import Certificate, Gap, GapWhy, Note, NoteKind, Record

GOLDEN = Path(__file__).parent / "wire" / "v1"
BATCHES = sorted(path.name for path in GOLDEN.glob("*.readings.*"))


def plain(record: Record) -> dict[str, object]:
    """A record as the expected files write it."""
    match record:
        case Gap():
            return {"kind": "gap", "first": record.first, "last": record.last, "why": str(record.why)}
        case Certificate():
            return {
                "kind": "certificate",
                "seq": record.seq,
                "taken_ms": record.taken_ms,
                "body": record.body,
            }
        case Note():
            return {
                "kind": "note",
                "seq": record.seq,
                "taken_ms": record.taken_ms,
                "note": str(record.kind),
                "detail": record.detail,
            }
        case Observation():
            clock = {"clock_uncertainty_s": record.clock_uncertainty_s} if record.clock_uncertainty_s else {}
            readings = {str(name): plain_reading(reading) for name, reading in record.readings.items()}
            return {
                "kind": "observation",
                "seq": record.seq,
                "taken_ms": record.taken_ms,
                **clock,
                "readings": readings,
            }


def plain_reading(reading: Reading) -> dict[str, object]:
    given: dict[str, object] = {"value": reading.value}
    given |= {"raw": reading.raw} if reading.raw is not None else {}
    given |= {"spread": reading.spread} if reading.spread is not None else {}
    given |= {"certificate": reading.certificate} if reading.certificate else {}
    if reading.screened.why:
        given |= {"flag": int(reading.flag), "why": str(reading.screened.why)}
    return given


@pytest.mark.parametrize("name", BATCHES)
def test_a_golden_batch_is_read_as_it_always_was(name: str) -> None:
    head, payload = (GOLDEN / name).read_bytes().split(b"\n", 1)
    expected = json.loads((GOLDEN / f"{name.partition('.')[0]}.expected.json").read_text(encoding="utf-8"))

    batch = decode(payload, Envelope(**json.loads(head)))

    assert expected["held"] == batch.held
    assert expected["records"] == [plain(record) for record in batch.records]
    assert expected["poisoned"] == [[p.first, p.last, str(p.reason)] for p in batch.poisoned]


def test_there_are_golden_batches() -> None:
    assert len(BATCHES) >= 7


def test_the_dictionary_is_the_one_it_always_was() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1949, 0x431678E8)


def test_the_golden_receipt_is_read_as_it_always_was() -> None:
    receipt = decode_receipt((GOLDEN / "receipt.json").read_bytes())

    assert Receipt("9f1c2a7e", 48211, IntervalSet(((48215, 48220), (48222, 48222))), 1763900101250) == receipt
    assert receipt == decode_receipt(encode_receipt(receipt))


def test_a_receipt_without_ranges_is_read_as_it_always_was() -> None:
    golden = (GOLDEN / "receipt-without-ranges.json").read_bytes()
    receipt = Receipt("9f1c2a7e", 48211, IntervalSet(), 1763900101250)

    assert (decode_receipt(golden), encode_receipt(receipt)) == (receipt, golden)


def test_the_golden_status_is_read_as_it_always_was() -> None:
    status = decode_status((GOLDEN / "status.json").read_bytes())

    assert Status(Presence.OFFLINE, "0.1.0") == status
    assert status == decode_status(encode_status(status))


def test_the_golden_health_message_is_read_as_it_always_was() -> None:
    health = decode_health((GOLDEN / "health.json").read_bytes())

    assert (
        Health(
            epoch="9f1c2a7e",
            appended=48220,
            held=48190,
            in_outbox=31,
            in_gaps=0,
            clock_synchronised=True,
            uptime_s=86400.5,
            time_ms=1763900101250,
            counters={"appended": 31, "receipted": 0},
        )
        == health
    )
    assert health == decode_health(encode_health(health))


@pytest.mark.parametrize("name", ["health-with-bytes.json", "health-deflated.bin"])
def test_a_golden_health_message_with_bytes_is_read_as_it_always_was(name: str) -> None:
    health = decode_health((GOLDEN / name).read_bytes())

    assert (health.bytes_this_month, health.appended, health.counters["appended"]) == (3_123_456, 48220, 31)
    assert (
        health == decode_health(encode_health(health)) == decode_health(encode_health(health, deflate=True))
    )


def test_a_device_that_does_not_count_bytes_says_nothing_of_them() -> None:
    health = decode_health((GOLDEN / "health.json").read_bytes())

    assert health.bytes_this_month is None
    assert b"bytes_this_month" not in encode_health(health)


def test_a_device_writes_the_example_of_the_specification_within_its_size() -> None:
    taken = observation(
        device="kk-0007",
        seq=48211,
        at=1763900040000,
        turbidity=Reading(Parameter.TURBIDITY, 0.31, raw=3.9821),
        ph=7.42,
        flow=10.98,
        volume=182.331,
        flag=Flag.UNKNOWN,
    )

    payload = encode("kk-0007", "9f1c2a7e", 48190, [pack(taken)])

    assert len(payload) <= 330
    assert json.loads(payload)[0] == {"bn": "kk-0007/", "bt": 1763900040, "n": "epoch", "vs": "9f1c2a7e"}


_finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    parameter = draw(st.sampled_from(Parameter))
    if draw(st.booleans()):
        why = draw(st.sampled_from([why for why in Why if why]))
        return Reading(parameter, None, screened=Screened(Flag.MISSING, why))
    doubted = draw(st.sampled_from([Screened(Flag.UNKNOWN), Screened(Flag.SUSPECT, Why.PROBE_NOISY)]))
    return Reading(parameter, draw(_finite), raw=draw(st.none() | _finite), screened=doubted)


@given(
    st.lists(st.lists(readings(), max_size=5), min_size=1, max_size=8), st.booleans(), st.integers(1, 10**12)
)
def test_what_a_device_writes_a_server_reads(taken: list[list[Reading]], deflate: bool, first: int) -> None:
    sent = [
        Observation("kk-0001", "9f1c2a7e", first + place, 1763900040000 + 61_001 * place, by_parameter(*some))
        for place, some in enumerate(taken)
    ]

    payload = encode("kk-0001", "9f1c2a7e", first, [pack(one) for one in sent], deflate=deflate)
    batch = decode(payload, Envelope("kk-0001", "9f1c2a7e", first, first + len(sent) - 1))

    assert batch.poisoned == ()
    for before, after in zip(sent, batch.records, strict=True):
        assert isinstance(after, Observation)
        assert (before.seq, before.taken_ms) == (after.seq, after.taken_ms)
        assert before.readings.keys() == after.readings.keys()
        for parameter, reading in before.readings.items():
            assert reading.screened == after.readings[parameter].screened
            if reading.value is None:
                assert after.readings[parameter].value is None
            else:
                assert pytest.approx(reading.value, rel=1e-6, abs=1e-9) == after.readings[parameter].value


def typical(seq: int) -> Observation:
    return observation(
        device="kk-0317", seq=seq, at=1773900040_007, turbidity=0.31, ph=7.42, flow=10.98, volume=182.33,
        flag=Flag.UNKNOWN,
    )  # fmt: skip


def test_a_single_observation_deflates_to_a_third_and_any_zlib_with_the_dictionary_reads_it() -> None:
    packed = [pack(typical(48211))]
    plain = encode("kk-0317", "5d20be14", 48211, packed)
    deflated = encode("kk-0317", "5d20be14", 48211, packed, deflate=True)

    assert (plain[:1], deflated[:1]) == (b"[", b"\x78")
    assert len(deflated) <= 80 < len(plain) / 2
    assert zlib.decompressobj(zdict=DICTIONARY).decompress(deflated) == plain


def test_the_oldest_held_number_is_written_only_where_it_is_not_the_first() -> None:
    packed = [pack(typical(7)), pack(typical(8))]
    first, older = (encode("kk-0317", "9f1c2a7e", held, packed) for held in (7, 3))

    assert (b"held" in first, b"held" in older) == (False, True)
    assert [decode(sent, Envelope("kk-0317", "9f1c2a7e", 7, 8)).held for sent in (first, older)] == [7, 3]


def test_gaps_certificates_and_notes_survive_the_way() -> None:
    sent: list[Record] = [
        Gap(1, 5, GapWhy.OUTBOX_FULL),
        Certificate(6, 1763900040000, '{"made_by":"ნინო"}'),
        Note(7, 1763900041000, NoteKind.SERVICE_BEGUN, "გაწმენდა"),
    ]
    packed = [pack(record) for record in sent]
    packed[0] = type(packed[0])(1, 5, 1763900000000, packed[0].body)

    batch = decode(encode("kk-0001", "9f1c2a7e", 1, packed), Envelope("kk-0001", "9f1c2a7e", 1, 7))

    assert sent == list(batch.records)

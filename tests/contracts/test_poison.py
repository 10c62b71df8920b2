"""What must never be taken for a reading: every hostile payload ends as a named rejection, and no more than it."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterquality.intervals import IntervalSet
from waterquality.topics import Envelope, parse_readings, readings, shard
from waterquality.wire.decode import MAX_INFLATED_BYTES, MAX_RECORDS, decode
from waterquality.wire.deflate import deflate
from waterquality.wire.records import span_of
from waterquality.wire.rejection import Malformed, Rejection

ENVELOPE = Envelope("kk-0001", "9f1c2a7e", 5, 7)
OPENING = [
    {"bn": "kk-0001/", "bt": 1763900040, "n": "epoch", "vs": "9f1c2a7e"},
    {"n": "held", "u": "count", "v": 5},
]


def seq(number: object) -> dict[str, object]:
    return {"n": "seq", "u": "count", "v": number}


def ph(value: object = 7.1, **more: object) -> dict[str, object]:
    return {"n": "ph", "u": "pH", "v": value, **more}


def batch(*records: object, opening: object = None) -> bytes:
    return json.dumps([*(OPENING if opening is None else opening), *records]).encode()


def with_dictionary(dictionary: bytes, plain: bytes) -> bytes:
    deflater = zlib.compressobj(zdict=dictionary)
    return deflater.compress(plain) + deflater.flush()


WHOLE = [
    ("not JSON", b"\x00\x01 turbidity=7", Rejection.NOT_JSON),
    ("empty", b"", Rejection.NOT_JSON),
    ("not UTF-8", b'[{"bn":"\xff\xfe"}]', Rejection.NOT_JSON),
    ("nested to death", b"[" * 100_000, Rejection.NOT_JSON),
    ("JSON but no list", b'{"turbidity": 7}', Rejection.NOT_SENML),
    ("an empty list", b"[]", Rejection.NOT_SENML),
    ("a list of numbers", b"[1, 2, 3]", Rejection.NOT_SENML),
    ("NaN", b'[{"bn":"kk-0001/","bt":NaN}]', Rejection.NOT_FINITE),
    ("infinity", b'[{"bn":"kk-0001/","bt":-Infinity}]', Rejection.NOT_FINITE),
    ("10 MB", b'["' + b"x" * 10_000_000 + b'"]', Rejection.TOO_LARGE),
    ("a zip bomb", zlib.compress(b"[" + b" " * (MAX_INFLATED_BYTES + 1)), Rejection.TOO_LARGE),
    ("broken deflate", b"\x78\x9c\x00\x00\x00", Rejection.BAD_DEFLATE),
    ("more records than any device sends", batch(*map(seq, range(5, 6 + MAX_RECORDS))), Rejection.TOO_LARGE),
    ("a zip bomb with our dictionary", deflate(b"[" + b" " * (MAX_INFLATED_BYTES + 1)), Rejection.TOO_LARGE),
    (
        "another dictionary",
        with_dictionary(b"of another version", batch(seq(5), ph())),
        Rejection.BAD_DEFLATE,
    ),
    ("our dictionary, cut short", deflate(batch(seq(5), ph()))[:-6], Rejection.BAD_DEFLATE),
    ("deflate cut short", zlib.compress(batch(seq(5), ph()))[:-6], Rejection.BAD_DEFLATE),
    (
        "another device's name",
        batch(opening=[{**OPENING[0], "bn": "kk-0002/"}, OPENING[1]]),
        Rejection.WRONG_DEVICE,
    ),
    ("another device later on", batch(seq(5), ph(bn="kk-0002/")), Rejection.WRONG_DEVICE),
    ("another epoch", batch(opening=[{**OPENING[0], "vs": "00000000"}, OPENING[1]]), Rejection.WRONG_EPOCH),
    ("no epoch", batch(opening=[{"bn": "kk-0001/", "bt": 1763900040, **OPENING[1]}]), Rejection.WRONG_EPOCH),
    ("held is a text", batch(opening=[OPENING[0], {"n": "held", "vs": "5"}]), Rejection.WRONG_TYPE),
    ("a reading before any seq", batch(ph()), Rejection.NOT_SENML),
    ("base time is a text", batch(opening=[{**OPENING[0], "bt": "now"}, OPENING[1]]), Rejection.WRONG_TYPE),
    ("a SenML of the future", batch(opening=[{**OPENING[0], "bver": 11}, OPENING[1]]), Rejection.NOT_SENML),
]


@pytest.mark.parametrize(("payload", "reason"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_hostile_payload_is_refused_whole(payload: bytes, reason: Rejection) -> None:
    with pytest.raises(Malformed) as refused:
        decode(payload, ENVELOPE)

    assert refused.value.reason is reason


ONE = [
    ("a number as a text", [ph("7.2")], Rejection.WRONG_TYPE),
    ("a truth as a number", [ph(True)], Rejection.WRONG_TYPE),
    ("null", [ph(None)], Rejection.WRONG_TYPE),
    ("a list as a value", [ph([7])], Rejection.WRONG_TYPE),
    ("an integer beyond all floats", [ph(10**400)], Rejection.NOT_FINITE),
    ("a flow beyond all floats", [{"n": "flow", "u": "m3/s", "v": 1e305}], Rejection.NOT_FINITE),
    ("a sum beyond all floats", [ph(1.7e308, bv=1.7e308), {"n": "ph/raw", "bv": 0}], Rejection.NOT_FINITE),
    ("an unknown parameter", [{"n": "arsenic", "u": "mg/l", "v": 1}], Rejection.UNKNOWN_PARAMETER),
    ("an unknown facet", [ph(), {"n": "ph/mood", "vs": "good"}], Rejection.UNKNOWN_FIELD),
    ("a field that must be understood", [ph(odd_=1)], Rejection.UNKNOWN_FIELD),
    ("the wrong unit", [{"n": "flow", "u": "l/min", "v": 11}], Rejection.WRONG_UNIT),
    ("no unit", [{"n": "ph", "v": 7.1}], Rejection.WRONG_UNIT),
    ("a value and no reading", [{"n": "ph/raw", "u": "V", "v": 1.5}], Rejection.NOT_SENML),
    ("a flag that is none", [ph(), {"n": "ph/flag", "v": 5}], Rejection.UNKNOWN_WORD),
    ("a broken flag", [ph(), {"n": "ph/flag", "v": 1.5}], Rejection.UNKNOWN_WORD),
    ("good without a value", [{"n": "ph/flag", "v": 1}], Rejection.NOT_SENML),
    (
        "a reason that is none",
        [ph(), {"n": "ph/flag", "v": 3}, {"n": "ph/why", "vs": "moon"}],
        Rejection.UNKNOWN_WORD,
    ),
    ("one parameter twice", [ph(7.1), ph(7.2)], Rejection.NOT_SENML),
    ("a relative time", [ph(t=-1763900000)], Rejection.TIME_TOO_OLD),
    ("a time that is a text", [ph(t="60")], Rejection.WRONG_TYPE),
    ("a gap without a reason", [{"n": "gap/through", "u": "count", "v": 6}], Rejection.NOT_SENML),
]


@pytest.mark.parametrize(("records", "reason"), [case[1:] for case in ONE], ids=[case[0] for case in ONE])
def test_one_bad_observation_does_not_take_its_batch_with_it(
    records: list[object], reason: Rejection
) -> None:
    read = decode(batch(seq(5), ph(), seq(6), *records, seq(7), ph()), ENVELOPE)

    assert [span_of(record)[0] for record in read.records] == [5, 7]
    assert [(6, 6, reason)] == [(p.first, p.last, p.reason) for p in read.poisoned]


def test_a_number_outside_the_envelope_is_not_booked_and_what_is_named_is() -> None:
    read = decode(batch(seq(5), ph(), seq(99), ph()), ENVELOPE)

    assert [span_of(record)[0] for record in read.records] == [5]
    assert [(p.first, p.last, p.reason) for p in read.poisoned] == [(6, 7, Rejection.ABSENT_FROM_BATCH)]


def test_a_number_that_comes_twice_in_a_batch_counts_once() -> None:
    read = decode(batch(seq(5), ph(7.1), seq(5), ph(9.9), seq(6), ph(), seq(7), ph()), ENVELOPE)

    assert [span_of(record)[0] for record in read.records] == [5, 6, 7]
    assert read.poisoned == ()


def test_a_gap_wider_than_its_envelope_is_refused() -> None:
    gap = [{"n": "gap/through", "u": "count", "v": 10**9}, {"n": "gap/why", "vs": "outbox_full"}]

    read = decode(batch(seq(5), *gap), ENVELOPE)

    assert read.records == ()
    assert list(IntervalSet.of((p.first, p.last) for p in read.poisoned).spans) == [(5, 7)]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_record = st.dictionaries(
    st.sampled_from(["n", "u", "v", "vs", "t", "bn", "bt", "bu", "bv"]),
    _json | st.sampled_from(["seq", "ph", "pH", "kk-0001/", "ph/flag", "held", "epoch", 5, 6, 7]),
    max_size=5,
)


@given(st.lists(_record, max_size=8))
def test_every_number_of_the_envelope_has_exactly_one_fate_whatever_is_inside(records: list[object]) -> None:
    try:
        read = decode(batch(seq(5), ph(), *records), ENVELOPE)
    except Malformed:
        return
    spans = [span_of(record) for record in read.records] + [(p.first, p.last) for p in read.poisoned]

    assert sorted(number for first, last in spans for number in range(first, last + 1)) == [5, 6, 7]


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode(payload, ENVELOPE)


@given(st.binary(max_size=200))
def test_no_deflated_bytes_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode(deflate(payload), ENVELOPE)


@pytest.mark.parametrize(
    "topic",
    [
        "tskaro/1/0/kk-0001/readings/9f1c2a7e/5-7",  # another shard
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/7-5",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/0-5",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/0",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/5-",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/-5",
        "tskaro/1/{shard}/kk-0001/readings/9F1C2A7E/5-7",
        "tskaro/1/{shard}/KK-0001/readings/9f1c2a7e/5-7",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/5-7/more",
        "tskaro/1/{shard}/kk-0001/readings/9f1c2a7e/1-99999999999999",
    ],
)
def test_a_topic_that_is_not_ours_has_no_envelope(topic: str) -> None:
    assert parse_readings(topic.format(shard=shard("kk-0001"))) is None


def test_an_envelope_survives_its_topic() -> None:
    assert parse_readings(readings(ENVELOPE)) == ENVELOPE


def test_a_single_number_may_stand_alone_in_its_topic_or_be_named_twice() -> None:
    one = Envelope("kk-0001", "9f1c2a7e", 5, 5)

    assert readings(one).endswith("/9f1c2a7e/5")
    assert parse_readings(readings(one)) == parse_readings(f"{readings(one)}-5") == one

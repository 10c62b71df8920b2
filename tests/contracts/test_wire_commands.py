"""Commands and replies: golden messages, both ways, and what is no command."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterquality.wire.commands import (
    MAX_COMMAND_BYTES,
    MAX_REPLY_BYTES,
    Command,
    RefusedWhy,
    Reply,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)
from waterquality.wire.rejection import Malformed, Rejection

GOLDEN = Path(__file__).parent / "wire" / "v1"
GOOD = {"id": "c-1", "command": "burst", "arguments": {"minutes": 5}, "expires": 1763900401.25}


def test_the_golden_command_is_read_as_it_always_was() -> None:
    command = decode_command((GOLDEN / "command.json").read_bytes())

    assert Command("c-7f3a91", "burst", 1763900401250, {"minutes": 5}) == command
    assert command == decode_command(encode_command(command))


def test_the_golden_replies_are_read_as_they_always_were() -> None:
    done = decode_reply((GOLDEN / "reply.json").read_bytes())
    refused = decode_reply((GOLDEN / "reply-refused.json").read_bytes())

    assert Reply("c-7f3a91", {"burst_left_s": 300.0}) == done
    assert (
        Reply("c-7f3a92", {}, RefusedWhy.BAD_ARGUMENTS, "minutes should be a number from 0 to 60") == refused
    )
    assert [done, refused] == [decode_reply(encode_reply(reply)) for reply in (done, refused)]


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": 7},
        {"id": "../x"},
        {"id": "x" * 41},
        {"command": None},
        {"command": "Burst"},
        {"command": "rm -rf"},
        {"arguments": [1]},
        {"arguments": {"a": []}},
        {"arguments": {"a": {"b": 1}}},
        {"arguments": {"A": 1}},
        {"arguments": {"a": None}},
        {"arguments": {"a": "x" * 201}},
        {"arguments": {f"a_{chr(97 + n)}": n for n in range(9)}},
        {"expires": "tomorrow"},
        {"expires": True},
        {"expires": -1},
        {"expires": 1e300},
    ],
    ids=str,
)
def test_a_command_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_command(json.dumps(GOOD | change).encode())


@pytest.mark.parametrize("missing", ["id", "command", "expires"])
def test_a_command_that_lacks_something_is_refused(missing: str) -> None:
    with pytest.raises(Malformed):
        decode_command(json.dumps({key: value for key, value in GOOD.items() if key != missing}).encode())


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b" " * (MAX_COMMAND_BYTES + 1), Rejection.TOO_LARGE),
        (b"[" * 4000, Rejection.NOT_JSON),
        (b'{"a":' * 500, Rejection.NOT_JSON),
        (b'{"id":"c","command":"x","expires":NaN}', Rejection.NOT_JSON),
        (b'{"id":"c","command":"x","expires":1e999}', Rejection.NOT_FINITE),
        (b'{"id":"c","command":"x","expires":1,"more":[[[]]]}', Rejection.NOT_JSON),
        (b'{"id":"c","command":"x","expires":' + b"9" * 4000 + b"}", Rejection.WRONG_TYPE),
        (b"\xff\xfe\x00", Rejection.NOT_JSON),
        (b"", Rejection.NOT_JSON),
        (b"7", Rejection.NOT_JSON),
    ],
)
def test_a_hostile_command_is_refused_with_the_reason(payload: bytes, reason: Rejection) -> None:
    with pytest.raises(Malformed) as refused:
        decode_command(payload)
    assert refused.value.reason is reason


@given(st.binary(max_size=300))
def test_no_bytes_do_more_to_a_command_or_a_reply_than_be_refused(payload: bytes) -> None:
    for decode in (decode_command, decode_reply):
        with pytest.raises(Malformed):
            decode(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    st.sampled_from(["id", "command", "arguments", "expires", "ok", "why", "detail", "result"]),
)
def test_no_json_does_more_to_a_command_or_a_reply_than_be_refused(value: object, key: str) -> None:
    message = GOOD | {"ok": True, "result": {}, key: value}
    for decode in (decode_command, decode_reply):
        try:
            decode(json.dumps(message).encode())
        except Malformed:
            continue


@pytest.mark.parametrize(
    "change",
    [
        {"ok": 1},
        {"ok": False},
        {"ok": False, "why": "because"},
        {"result": []},
        {"result": {"a": [[[[[[]]]]]]}},
    ],
)
def test_a_reply_of_the_wrong_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        decode_reply(json.dumps({"id": "c-1", "ok": True, "result": {}} | change).encode())


def test_a_reply_that_is_too_long_is_refused() -> None:
    with pytest.raises(Malformed, match="too_large"):
        decode_reply(encode_reply(Reply("c-1", {"lines": ["x" * MAX_REPLY_BYTES]})))

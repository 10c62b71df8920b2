"""The tail of the log: the newest lines, within bounds, and never a secret."""

import json

import pytest
import structlog

from edge.log_tail import LogTail
from firmware_config.logs import set_up_logs

PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----"


def test_the_newest_lines_come_oldest_first() -> None:
    tail = LogTail()
    for number in range(1000):
        tail.keep(f"line {number}\n")

    assert tail.last(3, at_most_bytes=1000) == ["line 997", "line 998", "line 999"]
    assert len(tail.last(5000, at_most_bytes=10**6)) == 500


def test_it_is_never_longer_than_allowed_even_as_json() -> None:
    tail = LogTail()
    for _ in range(500):
        tail.keep('{"event":"კარი","x":"' + '"' * 3000 + "\n")

    lines = tail.last(500, at_most_bytes=20_000)

    assert lines
    assert len(json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()) <= 20_000 + 2


@pytest.mark.parametrize(
    "line",
    [
        "event=x password=hunter2 host=h",
        'event=x password="hunter2 and more" host=h',
        '{"event": "x", "mqtt_password": "hunter2"}',
        "{'token': 'hunter2'}",
        "api-secret: hunter2",
        "WIFI_PSK=hunter2",
        "connected to mqtt://kk-0001:hunter2@host",
    ],
)
def test_no_secret_is_ever_in_it(line: str) -> None:
    tail = LogTail(["hunter2"] if "mqtt://" in line else [])
    tail.keep(line)

    (kept,) = tail.last(1, at_most_bytes=1000)
    assert "hunter2" not in kept
    assert "***" in kept


def test_no_private_key_is_ever_in_it() -> None:
    tail = LogTail()
    tail.keep(f"key_read key={PEM}")
    tail.keep("half -----BEGIN EC PRIVATE KEY-----\nMIGHAgEA")

    assert "MIGHAgEA" not in "".join(tail.last(10, at_most_bytes=1000))


def test_half_a_letter_does_not_spoil_it() -> None:
    tail = LogTail()
    tail.keep("half \ud83d of it")

    assert tail.last(1, at_most_bytes=100) == ["half ? of it"]


def test_what_is_logged_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    tail = LogTail(["s3cret"])
    try:
        set_up_logs(level="info", as_json=False, also=tail.keep)
        structlog.get_logger().info("door_opened", detail="s3cret")
    finally:
        structlog.reset_defaults()

    assert "event=door_opened detail=***" in tail.last(1, at_most_bytes=1000)[0]
    assert "door_opened" in capsys.readouterr().err

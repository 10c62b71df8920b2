"""The API as a program sees it."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from server.database.engine import Database
from server.database.models import CustodyDayRow
from tests.server.web.rows import EPOCH, NOW, PEOPLE, POINTS
from tests.server.web.villages import Villages, take_away, villages

SADAKHLO = "/api/v1/water-points/sadakhlo"


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Villages:
    return villages(tmp_path, database, has_history=False)


@pytest.fixture
def client(place: Villages) -> TestClient:
    return TestClient(place.app(), raise_server_exceptions=False)


def test_the_points_come_most_urgent_first_with_age_flag_unit_and_limit(client: TestClient) -> None:
    answer = client.get("/api/v1/water-points").json()
    assert answer["has_values"] is True
    assert len(answer["water_points"]) == len(POINTS)
    first = answer["water_points"][0]
    assert (first["id"], first["state"]) == ("sadakhlo", "firing")
    turbidity = first["readings"][0]
    assert turbidity["taken_at"] == "2026-11-20T12:34:05Z"
    assert (turbidity["unit"], turbidity["flag"], turbidity["is_stale"]) == ("NTU", 1, False)
    assert turbidity["limit"]["high"] == 4.0
    assert turbidity["limit"]["is_verified"] is False


def test_a_point_in_full_has_its_devices_and_alerts(client: TestClient) -> None:
    answer = client.get(SADAKHLO).json()
    assert answer["devices"][0]["device"] == "kk-0001"
    assert answer["alerts"]["under_way"][0]["phase"] == "firing"
    assert {told["fate"] for told in answer["alerts"]["under_way"][0]["told"]} == {
        "delivered",
        "accepted",
        "failed",
    }


def test_no_answer_gives_a_telephone_number(client: TestClient) -> None:
    for path in ("/api/v1/alerts", SADAKHLO):
        assert [phone for _, _, phone, *_ in PEOPLE if phone in client.get(path).text] == []


def test_a_silence_has_no_value_of_a_parameter(client: TestClient) -> None:
    alerts = client.get("/api/v1/alerts", params={"water_point": "orozmani"}).json()["under_way"]
    assert [(alert["rule"], alert["value"], alert["limit"]) for alert in alerts] == [("silence", None, None)]


def test_a_chart_is_the_last_day_in_lists_that_run_in_step(client: TestClient) -> None:
    chart = client.get(f"{SADAKHLO}/chart", params={"parameter": "turbidity"}).json()
    assert chart["until"] == NOW.isoformat().replace("+00:00", "Z")
    lengths = {len(chart[name]) for name in ("at_ms", "low", "mean", "high", "flag", "count")}
    assert lengths == {24}
    assert chart["limit"]["high"] == 4.0


def test_a_chart_has_no_more_entries_than_pixels_and_keeps_the_extremes(client: TestClient) -> None:
    asked = {"parameter": "turbidity", "pixels": 4}
    chart = client.get(f"{SADAKHLO}/chart", params=asked).json()
    assert len(chart["at_ms"]) <= 4
    assert max(chart["high"]) > 12


@pytest.mark.parametrize(
    "asked",
    [
        {"parameter": "chlorine"},
        {"parameter": "ph", "pixels": "0"},
        {"parameter": "ph", "pixels": "1000000"},
        {"parameter": "ph", "since": "2026-11-20T00:00:00"},
        {"parameter": "ph", "since": "2026-11-21T00:00:00Z", "until": "2026-11-20T00:00:00Z"},
        {"parameter": "ph", "since": "2020-11-20T00:00:00Z"},
        {},
    ],
    ids=[
        "unknown parameter",
        "no pixels",
        "too many pixels",
        "no offset",
        "backwards",
        "too long",
        "nothing",
    ],
)
def test_a_chart_that_makes_no_sense_is_refused_with_the_reason(
    client: TestClient, asked: dict[str, str]
) -> None:
    answer = client.get(f"{SADAKHLO}/chart", params=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() & {"detail", "errors"}


@pytest.mark.parametrize("path", ["", "/chart?parameter=ph"])
def test_a_point_that_is_not_there_is_a_problem_404(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/water-points/nowhere{path}")
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"


def test_a_store_that_is_away_is_a_problem_that_time_mends(place: Villages, client: TestClient) -> None:
    place.store.is_away = True
    answer = client.get(f"{SADAKHLO}/chart", params={"parameter": "ph"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert client.get("/api/v1/water-points").json()["has_values"] is False


def test_a_database_that_is_away_is_a_problem_without_our_inner_words(
    place: Villages, client: TestClient
) -> None:
    take_away(place.database)
    answer = client.get("/api/v1/completeness")
    assert answer.status_code == 503
    assert answer.json() == {"type": "about:blank", "title": "Service Unavailable", "status": 503}


def test_completeness_counts_every_number(client: TestClient) -> None:
    first = client.get("/api/v1/completeness").json()["devices"][0]
    named = ("device", "stored", "noted", "quarantined", "gaps", "missing")
    assert tuple(first[name] for name in named) == ("kk-0001", 48_101, 1, 3, 0, 0)
    parts = (*named[1:], "in_outbox", "unaccounted")
    assert sum(first[name] for name in parts) == first["appended"]
    assert client.get("/api/v1/completeness?device=kk-0099").json() == {"devices": []}


def test_completeness_is_told_day_by_day(place: Villages, client: TestClient) -> None:
    with place.database.writing() as connection:
        connection.execute(insert(CustodyDayRow), [_day(20_776, 1, 30_000), _day(20_777, 30_001, 48_000)])

    answer = client.get("/api/v1/completeness/kk-0001/days?since=2026-11-19")

    assert answer.status_code == 200
    days = [each for each in answer.json()["days"] if each["epoch"] == EPOCH]
    assert [each["day"] for each in days] == ["2026-11-19", "2026-11-20"]
    assert sum(each["stored"] for each in days) == 48_101
    assert days[0]["appended"] == 30_000
    later = client.get("/api/v1/completeness/kk-0001/days?since=2026-11-20").json()["days"]
    assert [each["day"] for each in later if each["epoch"] == EPOCH] == ["2026-11-20"]


def test_the_days_of_a_device_that_is_not_there_are_a_problem(client: TestClient) -> None:
    answer = client.get("/api/v1/completeness/kk-9999/days")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "no device 'kk-9999' is registered"
    assert client.get("/api/v1/completeness/kk-0001/days?since=yesterday").status_code == 422


def _day(day: int, first: int, last: int) -> dict[str, object]:
    begin_ms = day * 86_400_000 - 4 * 3_600_000
    place = {"device_id": "kk-0001", "epoch": EPOCH, "day": day}
    return place | {
        "first_seq": first,
        "first_ms": begin_ms,
        "last_seq": last,
        "last_ms": begin_ms + 86_399_000,
    }


def test_the_description_is_complete_and_asks_nobody_else(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert sum(path.startswith("/api/v1/") for path in paths) == 6
    assert {path for path in paths if not path.startswith("/api/v1/")} == {
        "/cap/feed.xml",
        "/cap/{identifier}.xml",
    }
    html = client.get("/docs").text
    assert "https://" not in html
    assert "Tskaro API" in html

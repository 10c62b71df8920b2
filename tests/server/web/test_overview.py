"""The list of water points: how each stands, and what is said of its readings."""

import re

from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, update

from server.database.models import AlertRow, Probe, RuleRow, WaterPoint
from tests.builders import observation, row
from tests.server.web.rows import POINTS, alert
from tests.server.web.shown import card, text_of
from tests.server.web.villages import Villages


def test_the_list_is_by_urgency(client: TestClient) -> None:
    html = client.get("/en/").text
    order = re.findall(r'id="point-(\w+)"', html)
    states = re.findall(r'data-state="(\w+)"', html)
    assert order == ["sadakhlo", "orozmani", "martkopi", "talaveri", "kazreti", "nardevani", "manglisi"]
    assert states == ["firing", "silent", "unknown", "recovering", "pending", "suspect", "normal"]


def test_the_age_stands_before_the_value_with_flag_and_limit_after_it(client: TestClient) -> None:
    read = text_of(card(client.get("/en/").text, "sadakhlo"))
    order = [read.index(part) for part in ("15 seconds ago", "12.38", "good", "limit ≤ 4 NTU", "outside")]
    assert order == sorted(order)


def test_a_trend_is_told_in_words_too(client: TestClient) -> None:
    assert "higher than an hour before" in card(client.get("/en/").text, "sadakhlo")
    assert "about as an hour before" in card(client.get("/en/").text, "manglisi")


def test_old_readings_are_unknown_and_not_good(client: TestClient) -> None:
    silent = card(client.get("/en/").text, "orozmani")
    assert "3 hours ago" in silent
    assert "flag-stale" in silent
    assert "flag-good" not in silent
    assert "state-normal" not in silent


def test_a_point_that_was_never_heard_is_not_normal(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(delete(AlertRow))
    client = TestClient(place.app())
    place.at = place.at.replace(year=2030)
    states = re.findall(r'data-state="(\w+)"', client.get("/en/").text)
    assert states == ["silent"] * len(POINTS)


def test_a_failed_reading_makes_a_point_unknown_even_without_an_alert(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(delete(AlertRow))
    html = TestClient(place.app()).get("/en/").text
    assert 'data-state="unknown"' in card(html, "martkopi")
    assert "beyond what the probe can show" in card(html, "martkopi")


def test_a_probe_that_gave_no_reading_at_all_is_missed(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(insert(Probe).values(device_id="kk-0005", parameter="volume", model="pulse-meter"))
    seen = card(TestClient(place.app()).get("/en/").text, "manglisi")
    assert "Volume" in seen
    assert "never" in seen
    assert 'data-state="unknown"' in seen


def test_a_limit_that_the_probe_cannot_evidence_is_not_shown(client: TestClient) -> None:
    html = client.get("/en/").text
    assert "≤ 4" in card(html, "manglisi")
    assert "≤ 4" not in card(html, "orozmani")  # an indicative probe
    assert "the probe cannot prove a limit" in card(html, "orozmani")


def test_what_lies_beyond_an_unproven_limit_is_not_called_normal(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(delete(AlertRow))
    client = TestClient(place.app())
    muddy = observation(device="kk-0003", at=place.at, seq=9_000_000_000, turbidity=15.5)
    place.store.write([row(muddy, water_point="orozmani")])
    assert 'data-state="suspect"' in card(client.get("/en/").text, "orozmani")
    clear = observation(device="kk-0003", at=place.at, seq=9_000_000_000, turbidity=1.5)
    place.store.write([row(clear, water_point="orozmani")])
    assert 'data-state="normal"' in card(client.get("/en/").text, "orozmani")


def test_a_rule_that_cannot_be_read_does_not_take_the_page_with_it(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(update(RuleRow).where(RuleRow.id == "ph-ge-58").values(spec={"kind": "nonsense"}))
    client = TestClient(place.app())
    assert client.get("/en/").status_code == 200
    assert "ph-ge-58" in client.get("/en/alerts").text


def test_a_municipality_and_a_name_in_any_language_narrow_the_list(client: TestClient) -> None:
    assert re.findall(r'id="point-(\w+)"', client.get("/en/?municipality=bolnisi").text) == [
        "talaveri",
        "kazreti",
    ]
    assert re.findall(r'id="point-(\w+)"', client.get("/en/?q=faxral").text) == ["talaveri"]
    assert "No water point matches" in client.get("/en/?q=<script>").text


def test_with_the_store_away_names_and_alerts_are_still_there(place: Villages) -> None:
    place.store.is_away = True
    client = TestClient(place.app())
    html = client.get("/en/").text
    assert "The readings cannot be read just now" in html
    assert 'data-state="firing"' in card(html, "sadakhlo")
    assert 'data-state="unknown"' in card(html, "manglisi")
    assert "NTU" not in text_of(card(html, "manglisi")).replace("limit ≤ 4 NTU", "")
    assert "Texts: 3" in client.get("/en/water-points/sadakhlo").text


def test_two_alerts_of_one_point_show_the_more_urgent_first(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(insert(AlertRow), [alert("ph-ge-58", "talaveri", "firing", 5, peak=9.9)])
    html = TestClient(place.app()).get("/en/").text
    assert 'data-state="firing"' in card(html, "talaveri")
    assert text_of(card(html, "talaveri")).index("pH: Alert is on") < text_of(card(html, "talaveri")).index(
        "Recovering"
    )


def many_points(place: Villages, count: int) -> None:
    """So many more water points that nobody ever heard of."""
    with place.database.writing() as connection:
        usual = {"municipality_id": "tsalka", "sms_names": {}, "lat": 41.5, "lon": 44.0}
        connection.execute(
            insert(WaterPoint),
            [usual | {"id": f"p-{n:03}", "names": {"en": f"Point {n}"}} for n in range(count)],
        )


def test_a_long_list_comes_in_pages_and_the_map_still_has_every_point(place: Villages) -> None:
    many_points(place, 60)
    client = TestClient(place.app())
    first = client.get("/en/?municipality=tsalka").text
    assert len(re.findall(r'id="point-', first)) == 40
    assert "1–40 of 61" in first
    assert 'rel="next" href="/en/?municipality=tsalka&amp;page=2"' in first
    assert first.count('"p-0') == 60
    second = client.get("/en/?municipality=tsalka&page=2").text
    assert "41–61 of 61" in second
    assert 'rel="prev" href="/en/?municipality=tsalka"' in second
    assert "41–61 of 61" in client.get("/en/?municipality=tsalka&page=99").text


def test_a_page_of_the_list_is_fetched_anew_as_the_same_page(place: Villages) -> None:
    many_points(place, 60)
    html = TestClient(place.app()).get("/en/?page=2").text
    assert 'data-live="/en/fragments/overview?page=2"' in html

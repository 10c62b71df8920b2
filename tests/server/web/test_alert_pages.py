"""Alerts, who was told, and the phones."""

from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from server.database.models import AlertRow, TransitionRow
from server.web.settings import WebSettings
from tests.server.web.rows import PEOPLE, ago
from tests.server.web.shown import PATHS, card, text_of
from tests.server.web.villages import Villages


def test_a_silence_that_ended_says_nothing_of_the_water(place: Villages) -> None:
    ended = {"rule_id": "silence", "water_point_id": "orozmani", "lane": "live", "episode": 1, "reason": ""}
    with place.database.writing() as connection:
        connection.execute(
            insert(TransitionRow),
            [
                ended | {"before": "normal", "after": "firing", "at_ms": ago(90), "value": 1801.0},
                ended | {"before": "firing", "after": "resolved", "at_ms": ago(9), "value": None},
            ],
        )
    past = text_of(TestClient(place.app()).get("/en/alerts").text.split('id="past"')[1]).split("Talaveri")[0]
    assert "Heard again" in past
    assert "readings normal" not in past
    assert "1,801" not in past


def test_an_unverified_limit_says_so_wherever_it_is_named(client: TestClient) -> None:
    for path in ("/en/alerts", "/en/water-points/sadakhlo"):
        read = text_of(client.get(path).text)
        assert "WHO (2017) not verified" in read
        assert "Resolution 58 (2014) not verified" not in read  # confirmed by a named person


def test_the_alerts_tell_the_true_fate_of_every_text(client: TestClient) -> None:
    read = text_of(client.get("/en/alerts").text)
    fates = (
        "delivered",
        "sent, delivery not confirmed",
        "not delivered",
        "number not in service",
        "waiting to be sent",
    )
    for fate in (*fates, "sent, fate unknown"):
        assert fate in read


def test_what_came_late_is_not_under_way(client: TestClient) -> None:
    html = client.get("/en/alerts").text
    assert html.index("Found in data that came late") > html.index("Under way")
    assert text_of(html.split('id="open"')[1].split('id="late"')[0]).count("Manglisi") == 0
    assert 'data-state="normal"' in card(client.get("/en/").text, "manglisi")
    assert "Open alerts: 4" in client.get("/en/").text


def test_an_alert_being_confirmed_does_not_show_whom_the_last_one_told(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(
            update(AlertRow).where(AlertRow.water_point_id == "talaveri").values(phase="pending", episode=1)
        )
    open_ones = TestClient(place.app()).get("/en/alerts").text.split('id="past"')[0]
    assert "sent, fate unknown" not in open_ones


def test_a_lifted_alert_keeps_its_history(client: TestClient) -> None:
    past = text_of(client.get("/en/alerts").text.split('id="past"')[1])
    for part in ("Talaveri", "6.80 NTU", "Lasted 1 hour 40 minutes", "Texts: 1"):
        assert part in past


def test_telephone_numbers_are_masked_but_on_the_phones_themselves(client: TestClient) -> None:
    for path in PATHS:
        shown = [phone for _, _, phone, *_ in PEOPLE if phone in client.get(f"/en{path}").text]
        assert bool(shown) == (path == "/phone"), path


def test_a_phone_shows_the_text_exactly_as_sent_with_its_length(client: TestClient) -> None:
    read = text_of(client.get("/en/phone").text)
    assert "Sadaxlı: bulanıqlıq 12.4&gt;4 NTU. Suyu yoxlayın." in read
    assert "46 characters · UCS-2 · segments: 1" in read


def test_there_is_no_phone_outside_the_demo(place: Villages) -> None:
    client = TestClient(place.app(WebSettings()), raise_server_exceptions=False)
    assert client.get("/en/phone").status_code == 404
    assert client.get("/en/fragments/phone").status_code == 404
    assert "Simulated water" not in client.get("/en/").text

"""The pages as a browser without JavaScript gets them."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, update

from alerts.ports import Language
from server.database.models import AlertRow, Base, Probe, RuleRow, WaterPoint
from server.web.assets import STATIC, Assets
from server.web.pages import Pages
from server.web.reader import load_readers
from server.web.settings import WebSettings
from tests.server.web.villages import PEOPLE, POINTS, Villages, ago, alert

PATHS = ("/", "/water-points/sadakhlo", "/alerts", "/phone", "/quarantine")
FRAGMENTS = (
    "overview",
    "water-point/sadakhlo/now",
    "water-point/sadakhlo/record",
    "alerts",
    "phone",
    "alert-count",
)


def text_of(html: str) -> str:
    """What a person reads, in reading order."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def card(html: str, water_point: str) -> str:
    """The piece of the list that tells of one water point."""
    return html.partition(f'id="point-{water_point}"')[2].partition('id="point-')[0]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_there_in_every_language(client: TestClient, language: Language, path: str) -> None:
    answer = client.get(f"/{language}{path}")
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert "%(" not in answer.text


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_part_that_is_fetched_anew_is_a_part_and_no_page(client: TestClient, fragment: str) -> None:
    answer = client.get(f"/en/fragments/{fragment}")
    assert answer.status_code == 200
    assert "<html" not in answer.text


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("ru-RU,ru;q=0.9,en;q=0.5", "ru"),
        ("en;q=0.3, hy;q=0.8", "hy"),
        ("fr-FR, de;q=0.5", "ka"),
        ("az;q=nonsense, en;q=0.1", "en"),
        ("", "ka"),
    ],
)
def test_a_reader_is_sent_to_the_pages_in_their_language(
    client: TestClient, wish: str, language: str
) -> None:
    answer = client.get("/", headers={"accept-language": wish}, follow_redirects=False)
    assert answer.headers["location"] == f"/{language}/"


def test_another_language_keeps_the_page_and_what_was_asked(client: TestClient) -> None:
    html = client.get("/en/water-points/sadakhlo?range=7d").text
    for language in Language:
        assert f'href="/{language}/water-points/sadakhlo?range=7d" lang="{language}"' in html


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


def test_a_rule_that_cannot_be_read_does_not_take_the_page_with_it(place: Villages) -> None:
    with place.database.writing() as connection:
        connection.execute(update(RuleRow).where(RuleRow.id == "ph-ge-58").values(spec={"kind": "nonsense"}))
    client = TestClient(place.app())
    assert client.get("/en/").status_code == 200
    assert "ph-ge-58" in client.get("/en/alerts").text


def test_an_unverified_limit_says_so_wherever_it_is_named(client: TestClient) -> None:
    for path in ("/en/alerts", "/en/water-points/sadakhlo"):
        read = text_of(client.get(path).text)
        assert "WHO (2017) not verified" in read
        assert "Resolution 58 (2014) not verified" not in read  # confirmed by a named person


def test_a_municipality_and_a_name_in_any_language_narrow_the_list(client: TestClient) -> None:
    assert re.findall(r'id="point-(\w+)"', client.get("/en/?municipality=bolnisi").text) == [
        "talaveri",
        "kazreti",
    ]
    assert re.findall(r'id="point-(\w+)"', client.get("/en/?q=faxral").text) == ["talaveri"]
    assert "No water point matches" in client.get("/en/?q=<script>").text


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
    for part in ("Talaveri", "5.20 NTU", "Lasted 1 hour 40 minutes", "People told: 1"):
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


def test_what_a_device_sent_is_shown_as_text_and_never_as_markup(client: TestClient) -> None:
    html = client.get("/en/quarantine").text
    assert "expecting a value &lt;b&gt;" in html
    assert "not JSON" in html


def test_a_water_point_tells_of_its_device_and_of_every_record(client: TestClient) -> None:
    read = text_of(client.get("/en/water-points/sadakhlo").text)
    assert "kk-0001 connected 40 seconds ago" in read
    assert "kk-0001 9f1c2a7e 48,101 1 3 0 0" in read


def test_without_a_script_a_chart_is_a_picture_and_a_table(client: TestClient) -> None:
    html = client.get("/en/water-points/martkopi").text
    assert html.count('class="picture"') == 4
    assert 'class="bound"' in html
    assert 'class="doubt"' in html
    assert re.search(r'aria-label="pH: lowest 7\.\d\d, highest 7\.\d\d"', html)
    turbidity = html.split('data-chart="turbidity"')[1].split("</figure>")[0]
    assert turbidity.count("<tr>") == 1 + 24


def test_a_chart_breaks_where_nothing_was_recorded(place: Villages) -> None:
    html = TestClient(place.app()).get("/en/water-points/manglisi").text
    assert html.split('data-chart="ph"')[1].split("</figure>")[0].count('class="mean"') == 1
    place.store.write([])  # the day of the silent point ends three hours before the others
    place.at = place.at.replace(hour=23)
    from tests.builders import observation, row

    place.store.write([row(observation(at=place.at, seq=9_000_000_000), water_point="manglisi")])
    html = TestClient(place.app()).get("/en/water-points/manglisi").text
    assert html.split('data-chart="ph"')[1].split("</figure>")[0].count('class="mean"') == 2


def test_with_the_store_away_names_and_alerts_are_still_there(place: Villages) -> None:
    place.store.is_away = True
    client = TestClient(place.app())
    html = client.get("/en/").text
    assert "The readings cannot be read just now" in html
    assert 'data-state="firing"' in card(html, "sadakhlo")
    assert 'data-state="unknown"' in card(html, "manglisi")
    assert "NTU" not in text_of(card(html, "manglisi")).replace("limit ≤ 4 NTU", "")
    assert "People told: 3" in client.get("/en/water-points/sadakhlo").text


def test_with_the_database_away_the_page_says_what_to_do(place: Villages) -> None:
    client = TestClient(place.app(), raise_server_exceptions=False)
    Base.metadata.drop_all(place.database.engine)
    answer = client.get("/ka/alerts")
    assert answer.status_code == 503
    assert "სცადეთ ერთ წუთში" in answer.text


@pytest.mark.parametrize(
    "path", ["/ru/nothing", "/ru/water-points/nowhere", "/ru/fragments/water-point/nowhere/now"]
)
def test_a_page_that_is_not_there_says_what_to_do_in_the_language_of_its_address(
    client: TestClient, path: str
) -> None:
    answer = client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "Такой страницы нет" in answer.text


def test_a_language_that_is_none_of_ours_is_not_there(client: TestClient) -> None:
    answer = client.get("/fr/", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_the_first_view_of_every_page_is_small(client: TestClient) -> None:
    style = len(client.get("/static/style.css").content) + len(client.get("/static/icons.svg").content)
    for language in Language:
        for path in PATHS:
            size = len(client.get(f"/{language}{path}").content)
            sent = int(
                client.get(f"/{language}{path}", headers={"accept-encoding": "gzip"}).headers[
                    "content-length"
                ]
            )
            assert sent + style < 50_000, (language, path, size, sent)


@pytest.mark.parametrize(
    "word", ["safe", "contaminated", "pollut", "ნორმალური წყალი", "უსაფრთხო", "безопасн"]
)
def test_no_page_claims_what_no_probe_can_show(client: TestClient, word: str) -> None:
    for language in Language:
        for path in PATHS:
            assert word not in text_of(client.get(f"/{language}{path}").text).casefold()


def test_a_page_that_was_never_built_asks_for_no_script(tmp_path: Path) -> None:
    (tmp_path / "style.css").write_bytes((STATIC / "style.css").read_bytes())
    settings = WebSettings()
    readers = load_readers()
    pages = Pages(readers, settings, Assets(tmp_path))
    shown = {"problem": {"title": "x", "advice": "y"}, "current": "", "open_alerts": 0, "now_ms": ago(0)}
    html = pages.render("problem.html", readers[Language.EN], rest_of_path="/", published=0, **shown)
    assert "<script" not in html
    assert "style.css?v=" in html


def test_a_page_may_load_from_nowhere_else_but_the_tiles_that_were_asked_for(place: Villages) -> None:
    plain = TestClient(place.app(WebSettings())).get("/en/").headers["content-security-policy"]
    tiled = WebSettings(tile_url="https://tiles.example/{z}/{x}/{y}.png")
    policy = TestClient(place.app(tiled)).get("/en/").headers["content-security-policy"]
    assert "https" not in plain
    assert "img-src 'self' data: https://tiles.example;" in policy


def test_what_is_asked_for_by_version_may_be_kept_for_ever(client: TestClient) -> None:
    address = re.search(r'href="(/static/style\.css\?v=[0-9a-f]{10})"', client.get("/en/").text)
    assert address is not None
    assert "immutable" in client.get(address[1]).headers["cache-control"]
    assert client.get("/static/style.css").headers["cache-control"] == "no-cache"


def test_health_tells_a_watcher_what_is_away(place: Villages) -> None:
    client = TestClient(place.app())
    assert client.get("/healthz").json() == {"status": "ok", "database": True, "store": True}
    place.store.is_away = True
    assert client.get("/healthz").json()["status"] == "degraded"


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
        row = {"municipality_id": "tsalka", "sms_names": {}, "lat": 41.5, "lon": 44.0}
        connection.execute(
            insert(WaterPoint),
            [row | {"id": f"p-{n:03}", "names": {"en": f"Point {n}"}} for n in range(count)],
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

"""The pages as a browser without JavaScript gets them."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from server.web.assets import STATIC, Assets
from server.web.pages import Pages
from server.web.reader import load_readers
from server.web.settings import WebSettings
from tests.builders import observation, row
from tests.server.web.rows import ago
from tests.server.web.shown import PATHS, text_of
from tests.server.web.villages import Villages, take_away
from waterquality.languages import Language

FRAGMENTS = (
    "overview",
    "water-point/sadakhlo/now",
    "water-point/sadakhlo/record",
    "alerts",
    "phone",
    "alert-count",
)


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
    place.at = place.at.replace(hour=23)
    place.store.write([row(observation(at=place.at, seq=9_000_000_000), water_point="manglisi")])
    html = TestClient(place.app()).get("/en/water-points/manglisi").text
    assert html.split('data-chart="ph"')[1].split("</figure>")[0].count('class="mean"') == 2


def test_with_the_database_away_the_page_says_what_to_do(place: Villages) -> None:
    client = TestClient(place.app(), raise_server_exceptions=False)
    take_away(place.database)
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

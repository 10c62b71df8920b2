"""The pages in a real browser: live, on a telephone, by keyboard, and without a word to anybody else."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, update

from server.database.models import AlertRow, PhoneMessage
from server.web.live import LiveEvent
from tests.builders import observation, row
from tests.server.web.advised import advise
from tests.server.web.conftest import Served
from tests.server.web.rows import NOW, PEOPLE, ago
from tests.server.web.villages import Villages
from waterquality.languages import Language
from waterquality.readings import to_ms

pytestmark = pytest.mark.integration
PATHS = (
    "/",
    "/water-points/sadakhlo",
    "/water-points/martkopi",
    "/alerts",
    "/phone",
    "/quarantine",
    "/nowhere",
)


class Watched:
    """A page whose every complaint and every request is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Watched(context.new_page())
    context.close()


def change(place: Villages, water_point: str = "manglisi", **given: float) -> None:
    """A new observation arrives and is published, as intake does it."""
    place.at += timedelta(seconds=30)
    seq = to_ms(place.at) // 1000
    place.store.write([row(observation(at=place.at, seq=seq, **given), water_point=water_point)])  # type: ignore[arg-type]
    place.live.publish(LiveEvent("readings", water_point, to_ms(place.at)))


def test_a_new_reading_appears_without_a_reload(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    page.evaluate("window.isTheSamePage = true")
    change(served.place, turbidity=1.23)
    expect(page.locator("#point-manglisi")).to_contain_text("1.23")
    assert page.evaluate("window.isTheSamePage")
    assert watched.complaints == []


def test_a_new_alert_moves_its_point_up_and_is_announced(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    with served.place.database.writing() as connection:
        connection.execute(
            update(AlertRow)
            .where(AlertRow.water_point_id == "kazreti")
            .values(phase="firing", since_ms=ago(0))
        )
    served.place.live.publish(LiveEvent("alert", "kazreti", ago(0)))
    expect(page.locator("[data-announce]")).to_have_text("Open alerts: 5")
    expect(page.locator("#point-kazreti")).to_have_attribute("data-state", "firing")
    expect(page.locator(".pin-firing")).to_have_count(2)
    assert page.locator("ol.cards > li").first.get_attribute("id") in ("point-kazreti", "point-sadakhlo")


def test_the_chart_of_a_point_follows_its_readings(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/water-points/manglisi")
    expect(page.locator(".uplot")).to_have_count(4)
    turbidity = page.locator("[data-chart=turbidity] .u-legend")
    expect(turbidity).to_contain_text("mean")
    change(served.place, turbidity=2.5)
    expect(page.locator("#now")).to_contain_text("2.50")
    expect(turbidity).to_contain_text("2.50", timeout=8000)
    assert watched.complaints == []


def test_a_text_appears_on_its_phone(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/ka/phone")
    expect(page.locator("[data-connection]")).to_have_text("პირდაპირი კავშირი")
    with served.place.database.writing() as connection:
        message = {"reference": "new", "address": PEOPLE[2][2], "body": "ახალი ტექსტი", "at_ms": to_ms(NOW)}
        connection.execute(insert(PhoneMessage), [message])
    served.place.live.publish(LiveEvent("phone", "", to_ms(NOW)))
    expect(page.locator(f'[id="phone-{PEOPLE[2][2]}"] .bubble')).to_have_text("ახალი ტექსტი")


def test_what_was_missed_while_away_is_fetched_on_coming_back(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    page.context.set_offline(True)
    for client in list(served.place.live._clients):
        client.is_let_go = True
        client.loop.call_soon_threadsafe(client.woken.set)
    expect(page.locator("[data-connection]")).to_have_text("Connection lost; trying again", timeout=5000)
    change(served.place, turbidity=3.21)
    page.context.set_offline(False)
    expect(page.locator("#point-manglisi")).to_contain_text("3.21", timeout=10_000)
    expect(page.locator("[data-connection]")).to_have_text("Live")


def test_an_age_ticks_without_asking_the_server(served: Served, watched: Watched) -> None:
    page = watched.page
    page.clock.install()
    page.goto(f"{served.url}/ka/")
    age = page.locator("#point-manglisi time.age").first
    expect(age).to_have_text("15 წამის წინ")
    page.clock.run_for(60_000)
    expect(age).to_have_text("1 წუთის წინ")


def test_what_has_focus_and_what_was_opened_survives_a_change(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    page.locator("#point-manglisi a").focus()
    change(served.place, turbidity=1.11)
    expect(page.locator("#point-manglisi")).to_contain_text("1.11")
    assert page.evaluate("document.activeElement.closest('li')?.id") == "point-manglisi"


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
def test_no_page_is_wider_than_its_window(served: Served, watched: Watched, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    for language in ("ka", "en", "ru"):
        for path in PATHS:
            page.goto(f"{served.url}/{language}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (language, path)


def test_no_page_complains_or_asks_another_host(served: Served, watched: Watched) -> None:
    own = served.url.removeprefix("http://")
    for path in (*PATHS[:-1], "/water-points/sadakhlo?range=30d"):
        watched.page.goto(f"{served.url}/ka{path}")
        watched.page.wait_for_load_state("load")
    watched.page.goto(f"{served.url}/docs")
    expect(watched.page.locator(".opblock").first).to_be_visible()
    assert watched.complaints == []
    assert watched.hosts == {own}


def test_the_language_is_changed_and_the_page_kept(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/water-points/sadakhlo?range=7d")
    page.get_by_role("link", name="Русский").click()
    expect(page).to_have_url(f"{served.url}/ru/water-points/sadakhlo?range=7d")
    expect(page.locator("h1")).to_have_text("Садахло")


def test_everything_can_be_reached_by_keyboard_and_shows_where_it_is(
    served: Served, watched: Watched
) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.add(page.evaluate(_WHERE))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert {"/en/water-points/sadakhlo", "/en/water-points/manglisi", "SELECT", "INPUT", "BUTTON"} <= reached


def test_a_sign_on_the_map_leads_to_its_point(served: Served, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{served.url}/en/")
    expect(page.locator(".leaflet-marker-icon[title]")).to_have_count(7)
    sign = page.locator('.leaflet-marker-icon[title^="Sadakhlo: Alert"]')
    sign.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served.url}/en/water-points/sadakhlo")


def test_the_pages_are_whole_without_javascript(served: Served, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/en/")
    expect(page.locator("#map")).to_be_hidden()
    page.get_by_label("Municipality").select_option("bolnisi")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("ol.cards > li")).to_have_count(2)
    page.get_by_role("link", name="Talaveri").click()
    expect(page.locator("svg.picture").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(served: Served, browser: Browser, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    for path in PATHS:
        page.goto(f"{served.url}/en{path}")
        assert page.evaluate(_FAINT_TEXTS) == [], path
    context.close()


_WHERE = "document.activeElement.getAttribute('href') ?? document.activeElement.tagName"
# Texts whose contrast with the nearest painted ground is below 4.5:1 (3:1 for large ones).
_FAINT_TEXTS = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest('.hidden, .skip, svg, option')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)} ${text}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("language", ["ka", "hy"])
def test_on_a_telephone_no_name_on_the_map_hides_the_sign_of_another_place(
    served: Served, browser: Browser, language: str
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 844})
    page = context.new_page()
    page.goto(f"{served.url}/{language}/")
    expect(page.locator(".pin")).to_have_count(7)
    hidden = page.evaluate(
        """() => {
          const boxes = (part) => [...document.querySelectorAll(part)].map((one) => one.getBoundingClientRect());
          const [names, signs] = [boxes(".pin b"), boxes(".pin svg")];
          const covers = (name, sign) => name.width && name.left < sign.right && sign.left < name.right
            && name.top < sign.bottom && sign.top < name.bottom;
          return names.flatMap((name, at) => signs.filter((sign, of) => of !== at && covers(name, sign))).length;
        }"""
    )
    context.close()
    assert hidden == 0


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_an_advisory_comes_first_fits_and_can_be_read(served: Served, watched: Watched, width: int) -> None:
    number = advise(served.place)
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    for language, scheme in product(Language, ("light", "dark")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"{served.url}/{language}/water-points/sadakhlo")
        told = page.locator(f"#advisory-{number}")
        expect(told.locator("h2")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, language
        assert told.bounding_box()["y"] < page.locator("#now").bounding_box()["y"]  # type: ignore[index]
        assert page.evaluate(_FAINT_TEXTS) == [], (language, scheme)
    assert watched.complaints == []

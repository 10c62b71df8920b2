"""Advisories on the public pages, and as CAP for other programs."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from capvalidator import Validator
from fastapi.testclient import TestClient

from alerts.advisories.phrases import phrases
from alerts.advisories.record import AdvisoryKind, Cause, Confirm, Lift
from server.web.settings import WebSettings
from tests.server.web.advised import GIORGI, NINO, OWN, advise, book
from tests.server.web.rows import NOW
from tests.server.web.shown import card, text_of
from tests.server.web.villages import Villages
from waterquality.languages import Language

ATOM = {"a": "http://www.w3.org/2005/Atom"}
FEED = "/cap/feed.xml"


def shown(client: TestClient, language: str, water_point: str = "sadakhlo") -> str:
    answer = client.get(f"/{language}/water-points/{water_point}")
    assert answer.status_code == 200
    return answer.text


def feed(client: TestClient, query: str = "") -> ET.Element:
    answer = client.get(FEED + query)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    return ET.fromstring(answer.content)


def links(read: ET.Element) -> list[str]:
    return [each.attrib["href"] for each in read.findall("a:entry/a:link", ATOM)]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", list(AdvisoryKind))
def test_whoever_reads_the_page_is_told_in_their_language_what_to_do(
    place: Villages, client: TestClient, language: Language, kind: AdvisoryKind
) -> None:
    advise(place, kind=kind)
    words = phrases(language)

    said = text_of(shown(client, language))

    assert words.said.in_force in said
    assert words.kinds[kind].instruction in said
    for part in (NINO.name, NINO.office, "20.11.2026, 14:34", GIORGI.name, "27.11.2026", NINO.contact):
        assert part in said
    assert OWN[Language.KA] in said  # their own words, marked with their language where it is another one


def test_a_proposal_is_shown_to_nobody_and_published_nowhere(place: Villages, client: TestClient) -> None:
    before = shown(client, "en")
    book(place).propose("sadakhlo", Cause.MICROBES, "Nino", "SECRET", NOW)

    assert shown(client, "en").count("advisory") == before.count("advisory")
    assert "SECRET" not in shown(client, "en") + client.get(FEED).text
    assert links(feed(client)) == []


def test_what_is_lifted_is_gone_from_the_page_and_cancelled_in_the_feed(
    place: Villages, client: TestClient
) -> None:
    number = advise(place)
    book(place).act(number, Lift(by=GIORGI, override="a new source"), NOW)
    book(place).act(number, Confirm(by=NINO), NOW)

    assert phrases(Language.EN).said.in_force not in shown(client, "en")
    newest, first = links(feed(client))
    assert "<msgType>Cancel</msgType>" in client.get(newest).text
    assert "<msgType>Alert</msgType>" in client.get(first).text


def test_what_ran_out_and_was_not_lifted_stays_on_the_page_and_says_so(
    place: Villages, client: TestClient
) -> None:
    advise(place, at=NOW - timedelta(days=8))

    said = text_of(shown(client, "en"))
    assert "nobody has lifted it" in said
    assert phrases(Language.EN).said.expired in said
    assert phrases(Language.EN).said.in_force not in said


def test_the_list_of_water_points_says_where_an_advisory_is_in_force(
    place: Villages, client: TestClient
) -> None:
    number = advise(place, "manglisi", AdvisoryKind.DO_NOT_DRINK)
    html = client.get("/ru/").text

    assert phrases(Language.RU).kinds[AdvisoryKind.DO_NOT_DRINK].short in text_of(card(html, "manglisi"))
    assert f"/ru/water-points/manglisi#advisory-{number}" in html
    assert "advised" not in card(html, "sadakhlo")


def test_what_an_authority_wrote_is_escaped(place: Villages, client: TestClient) -> None:
    from tests.server.web import advised

    written = dict(OWN)
    advised.OWN[Language.KA] = "<script>alert(1)</script>"
    try:
        advise(place)
    finally:
        advised.OWN.update(written)

    assert "<script>alert" not in shown(client, "ka")
    assert "&lt;script&gt;alert" in shown(client, "ka")


def test_the_feed_is_open_and_leads_to_valid_messages(place: Villages, client: TestClient) -> None:
    advise(place)
    advise(place, "kazreti", AdvisoryKind.DO_NOT_DRINK)

    read = feed(client)

    for name in ("id", "title", "updated", "author/a:name"):
        assert read.findtext(f"a:{name}", "", ATOM)
    assert len(links(read)) == 2
    for link in links(read):
        answer = client.get(link)
        assert answer.headers["content-type"].startswith("application/cap+xml")
        assert Validator(answer.content).schema()[0]
    titles = [each.text for each in feed(client, "?language=en").findall("a:entry/a:title", ATOM)]
    assert titles[0] == "Kazreti, Bolnisi: do not drink the water"


def test_the_feed_of_a_municipality_holds_its_own_alone(place: Villages, client: TestClient) -> None:
    advise(place)
    advise(place, "kazreti")

    assert len(links(feed(client, "?municipality=bolnisi"))) == 1
    assert links(feed(client, "?municipality=tsalka")) == []


def test_who_has_the_newest_is_told_so(place: Villages, client: TestClient) -> None:
    advise(place)
    (link,) = links(feed(client))
    for address in (FEED, link):
        tag = client.get(address).headers["etag"]
        again = client.get(address, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content) == (304, b"")
    tag = client.get(FEED).headers["etag"]
    advise(place, "kazreti")
    assert client.get(FEED, headers={"If-None-Match": tag}).status_code == 200
    assert "immutable" in client.get(link).headers["cache-control"]


def test_a_message_stays_to_the_byte_whatever_comes_after(place: Villages, client: TestClient) -> None:
    number = advise(place)
    (link,) = links(feed(client))
    before = client.get(link).content
    book(place).act(number, Lift(by=GIORGI, override="a new source"), NOW)
    book(place).act(number, Confirm(by=NINO), NOW)

    assert client.get(link).content == before


def test_what_is_a_month_old_leaves_the_feed_but_for_what_is_in_force(
    place: Villages, client: TestClient
) -> None:
    number = advise(place, at=NOW - timedelta(days=40), days=20)
    assert len(links(feed(client))) == 1
    book(place).act(number, Lift(by=GIORGI, override="x"), NOW - timedelta(days=35))
    book(place).act(number, Confirm(by=NINO), NOW - timedelta(days=35))
    assert links(feed(client)) == []


def test_addresses_in_the_feed_are_those_that_people_use(place: Villages) -> None:
    advise(place)
    client = TestClient(place.app(WebSettings(public_url="https://water.example.org/")))

    (link,) = [each.attrib["href"] for each in feed(client).findall("a:entry/a:link", ATOM)]

    assert link.startswith("https://water.example.org/cap/tskaro-")


def test_a_message_that_was_never_published_is_not_found(client: TestClient) -> None:
    answer = client.get("/cap/tskaro-1-1-1.xml")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"

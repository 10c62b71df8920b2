"""Advisories at the seven water points, for the tests of the pages and to look at."""

from datetime import datetime, timedelta

from alerts.advisories.cap import Origin
from alerts.advisories.life import Policy
from alerts.advisories.record import AdvisoryKind, Authority, Cause, Confirm, Issue, Order
from server.advisories.book import AdvisoryBook
from server.advisories.publishing import Publication
from tests.server.web.rows import NOW
from tests.server.web.villages import Villages
from waterquality.languages import Language

NINO = Authority("nino", "ნინო კაპანაძე", "მარნეულის საზოგადოებრივი ჯანდაცვის ცენტრი", "+995 32 200 00 00")
GIORGI = Authority("giorgi", "გიორგი ლომიძე", "მარნეულის მერია")
OWN = {Language.KA: "წყალი სკოლებში მიგვაქვს ცისტერნით ყოველდღე 10 საათზე."}


def book(place: Villages) -> AdvisoryBook:
    out = Publication(origin=Origin(sender="water@marneuli.example", web="https://water.example.org"))
    return AdvisoryBook(place.database, Policy(two_persons=True), out)


def advise(
    place: Villages,
    water_point: str = "sadakhlo",
    kind: AdvisoryKind = AdvisoryKind.BOIL,
    *,
    at: datetime = NOW - timedelta(hours=2),
    days: float = 7,
) -> int:
    """An advisory that two people have issued."""
    written = book(place)
    number = written.propose(water_point, Cause.TURBIDITY, "Nino", "mud after rain", at)
    order = Order(kind=kind, expires_at=at + timedelta(days=days), own_text=OWN)
    written.act(number, Issue(by=NINO, order=order), at)
    written.act(number, Confirm(by=GIORGI), at)
    return number

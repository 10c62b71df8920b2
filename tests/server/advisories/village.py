"""A village with a water point, its rules, and a book of advisories; alerts are put where a test wants them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from alerts.advisories.cap import Origin
from alerts.advisories.life import Policy
from alerts.advisories.record import AdvisoryKind, Issue, Order
from alerts.seeds import shipped_rules
from server.advisories.book import AdvisoryBook
from server.advisories.laboratory import add_result
from server.advisories.publishing import Publication
from server.database.engine import Database
from server.database.models import AlertRow, Municipality, WaterPoint
from server.registry.writing import seed_rules
from tests.alerts.advisories.cases import NINO, NOW, clear_sample
from waterquality.languages import Language
from waterquality.readings import to_ms

OUT = Publication(origin=Origin(sender="water@marneuli.example", web="https://water.example.org"))
NAMES = {"ka": "სადახლო", "az": "Sadaxlı", "hy": "Սադախլո", "ru": "Садахло", "en": "Sadakhlo"}
TOWN = {"ka": "მარნეული", "az": "Marneuli", "hy": "Մառնեուլի", "ru": "Марнеули", "en": "Marneuli"}


class Village:
    def __init__(self, database: Database, policy: Policy | None = None, out: Publication = OUT) -> None:
        self.database = database
        self.book = AdvisoryBook(database, policy or Policy(two_persons=False), out)
        with database.writing() as connection:
            connection.execute(insert(Municipality), [{"id": "marneuli", "names": TOWN}])
            points = [
                {"id": name, "municipality_id": "marneuli", "names": NAMES, "sms_names": NAMES}
                | {"lat": 41.2402, "lon": 44.7891}
                for name in ("sadakhlo", "kazreti")
            ]
            connection.execute(insert(WaterPoint), points)
            seed_rules(connection, shipped_rules())

    def alert(self, rule: str = "turbidity-who-4", *, at: datetime = NOW, **given: Any) -> None:
        """An alert that has fired for an hour, or as said."""
        began, end = to_ms(at - timedelta(hours=1)), to_ms(at)
        said = {"rule_id": rule, "water_point_id": "sadakhlo", "lane": "live", "phase": "firing"}
        said |= {"since_ms": began, "judged_ms": end, "breached_ms": began, "last_breach_ms": end}
        said |= {"peak": 12.4, "beyond": 8.4, "episode": 1, "told": True, "level": 3}
        with self.database.writing() as connection:
            connection.execute(insert(AlertRow), [said | given])

    def turns(self, rule: str, **given: Any) -> None:
        with self.database.writing() as connection:
            connection.execute(update(AlertRow).where(AlertRow.rule_id == rule).values(**given))

    def samples(self, *after_h: float) -> None:
        """Clear samples, taken so many hours after NOW."""
        with self.database.writing() as connection:
            for hours in after_h:
                for result in clear_sample(hours):
                    add_result(connection, "sadakhlo", result, NOW + timedelta(days=30))


def issue(kind: AdvisoryKind = AdvisoryKind.BOIL) -> Issue:
    own = {Language.KA: "ადუღეთ ხუთი წუთი"}
    return Issue(by=NINO, order=Order(kind=kind, expires_at=NOW + timedelta(days=7), own_text=own))

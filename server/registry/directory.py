"""Who and where, for alerts: rules that can be judged at a water point, people to tell, short names.

A snapshot like the registry it is made from. Implements `alerts.ports.Directory`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, select

from alerts.holding import Silence
from alerts.recipient import Recipient
from alerts.rules import AnyRule, Placed, Role, Rule, Severity, place_rules
from alerts.rules import Place as PlaceOfRules
from alerts.specs import rule_from
from alerts.supply import Supply
from server.database.engine import Database
from server.database.models import RuleRow, WaterPoint
from server.database.people_models import Person, Subscription
from server.registry.consent import may_be_told
from server.registry.people import recipient_of
from server.registry.reserved import DRILL_PERSON, DRILL_POINT, DRILL_RULE
from server.registry.silences import silences_from
from server.registry.snapshot import Registry
from waterquality.languages import Language

_log = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """What alerts need of a water point; `supply` is None while nobody has said when water is due."""

    municipality: str
    sms_names: Mapping[str, str]
    supply: Supply | None = None


@dataclass(frozen=True)
class SnapshotDirectory:
    """People, names and rules as they stood when it was read.

    Attributes:
        registry: what is deployed where.
        places: water points by id.
        all_rules: rules in force by id.
        by_water_point: people subscribed to a water point, of those who may be told.
        by_municipality: people subscribed to all of a municipality, likewise.
        silences: those that have not ended.
    """

    registry: Registry
    places: Mapping[str, Place]
    all_rules: Mapping[str, AnyRule]
    by_water_point: Mapping[str, Sequence[Recipient]]
    by_municipality: Mapping[str, Sequence[Recipient]]
    silences: Sequence[Silence] = ()

    def rules(self) -> Mapping[str, AnyRule]:
        """All rules in force, by id."""
        return self.all_rules

    def rules_for(self, water_point: str) -> Sequence[Rule]:
        """Rules that can be judged at a water point; the same object each time."""
        return self.placed(water_point).rules

    def placed(self, water_point: str) -> Placed:
        """The rules in force at a water point, and why others are not."""
        known = self._placed.get(water_point)
        if known is None:  # asked for at every observation, so worked out once for each snapshot
            among = [DRILL_RULE] if water_point == DRILL_POINT else self.all_rules.values()
            known = self._placed[water_point] = place_rules(among, self._seen_by_rules(water_point))
        return known

    def recipients(
        self, water_point: str, audience: frozenset[Role], severity: Severity
    ) -> Sequence[Recipient]:
        """Whom to tell: of those who are subscribed to a water point or its municipality, each once."""
        place = self.places.get(water_point)
        subscribed = list(self.by_water_point.get(water_point, ()))
        if place is not None:
            subscribed += self.by_municipality.get(place.municipality, ())
        once = {
            recipient.person: recipient
            for recipient in subscribed
            if recipient.role in audience and recipient.wants(severity)
            if (recipient.person == DRILL_PERSON) is (water_point == DRILL_POINT)
        }
        return list(once.values())

    def sms_name(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts; its id where nobody gave it one."""
        place = self.places.get(water_point)
        names = place.sms_names if place is not None else {}
        return names.get(language) or names.get(Language.EN) or water_point

    def silence(self, rule: str, water_point: str, at: datetime) -> Silence | None:
        """What silences an alert at an instant, the longest of several; None where nothing does."""
        place = self.places.get(water_point)
        municipality = "" if place is None else place.municipality
        found = [each for each in self.silences if each.covers(rule, water_point, municipality, at)]
        return max(found, key=lambda each: each.until, default=None)

    def _seen_by_rules(self, water_point: str) -> PlaceOfRules:
        devices = self._devices.get(water_point, ())
        capabilities = [self.registry.capabilities.get(device, {}) for device in devices]
        place = self.places.get(water_point)
        return PlaceOfRules(water_point, capabilities, None if place is None else place.supply)

    @cached_property
    def _devices(self) -> Mapping[str, Sequence[str]]:
        return self.registry.devices_by_water_point()

    @cached_property
    def _placed(self) -> dict[str, Placed]:
        return {}


def read_directory(database: Database, registry: Registry) -> SnapshotDirectory:
    """Read people, names and rules as they stand.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with database.reading() as connection:
        columns = (WaterPoint.id, WaterPoint.municipality_id, WaterPoint.sms_names, WaterPoint.supply)
        rows = connection.execute(select(*columns))
        places = {row[0]: Place(row[1], row[2], _supply(row[0], row[3])) for row in rows}
        rules = _rules(connection)
        by_water_point, by_municipality = _subscribed(connection)
        silences = silences_from(connection)
    return SnapshotDirectory(registry, places, rules, by_water_point, by_municipality, silences)


def _supply(water_point: str, text: str) -> Supply | None:
    try:
        return Supply.parse(text) if text else None
    except ValueError as error:
        _log.error("supply_unusable", water_point=water_point, detail=str(error))
        return None


def _rules(connection: Connection) -> dict[str, AnyRule]:
    rules: dict[str, AnyRule] = {}
    for name, spec in connection.execute(select(RuleRow.id, RuleRow.spec).order_by(RuleRow.id)):
        try:
            rules[name] = rule_from(spec)
        except ValidationError as error:
            _log.error("rule_unusable", rule=name, detail=str(error))
    return rules


def _subscribed(
    connection: Connection,
) -> tuple[dict[str, list[Recipient]], dict[str, list[Recipient]]]:
    """Who is subscribed to what, of those who may be told."""
    recipients = {
        row.id: recipient_of(row) for row in connection.execute(select(Person.__table__).where(may_be_told()))
    }
    columns = (Subscription.person_id, Subscription.water_point_id, Subscription.municipality_id)
    by_water_point: defaultdict[str, list[Recipient]] = defaultdict(list)
    by_municipality: defaultdict[str, list[Recipient]] = defaultdict(list)
    for person, water_point, municipality in connection.execute(select(*columns).order_by(Subscription.id)):
        recipient = recipients.get(person)
        if recipient is not None and water_point is not None:
            by_water_point[water_point].append(recipient)
        if recipient is not None and municipality is not None:
            by_municipality[municipality].append(recipient)
    return dict(by_water_point), dict(by_municipality)

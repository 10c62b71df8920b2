"""Who and where, for alerts: rules that can be judged at a water point, people to tell, short names.

A snapshot like the registry it is made from. Implements `alerts.ports.Directory`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, select

from alerts.recipient import Recipient
from alerts.rules import LimitRule, Role, Rule, Severity
from alerts.specs import rule_from
from server.database.engine import Database
from server.database.models import RuleRow, WaterPoint
from server.database.people_models import Person, Subscription
from server.registry.consent import may_be_told
from server.registry.people import recipient_of
from server.registry.snapshot import Registry
from waterquality.languages import Language
from waterquality.limits import why_not_evidenced

_log = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """What alerts need of a water point."""

    municipality: str
    sms_names: Mapping[str, str]


@dataclass(frozen=True)
class SnapshotDirectory:
    """People, names and rules as they stood when it was read.

    Attributes:
        registry: what is deployed where.
        places: water points by id.
        all_rules: rules in force by id.
        by_water_point: people subscribed to a water point, of those who may be told.
        by_municipality: people subscribed to all of a municipality, likewise.
    """

    registry: Registry
    places: Mapping[str, Place]
    all_rules: Mapping[str, Rule]
    by_water_point: Mapping[str, Sequence[Recipient]]
    by_municipality: Mapping[str, Sequence[Recipient]]

    def rules(self) -> Mapping[str, Rule]:
        """All rules in force, by id."""
        return self.all_rules

    def rules_for(self, water_point: str) -> Sequence[Rule]:
        """Rules that can be judged at a water point: those that a probe there can evidence, and silence."""
        return self._rules_by_place.get(water_point, self._rules_anywhere)

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
        }
        return list(once.values())

    def sms_name(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts; its id where nobody gave it one."""
        place = self.places.get(water_point)
        names = place.sms_names if place is not None else {}
        return names.get(language) or names.get(Language.EN) or water_point

    @cached_property
    def _rules_anywhere(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.all_rules.values() if not isinstance(rule, LimitRule))

    @cached_property
    def _rules_by_place(self) -> dict[str, tuple[Rule, ...]]:
        return {
            place: tuple(rule for rule in self.all_rules.values() if self._can_judge(rule, devices))
            for place, devices in self.registry.devices_by_water_point().items()
        }

    def _can_judge(self, rule: Rule, devices: Sequence[str]) -> bool:
        if not isinstance(rule, LimitRule):
            return True
        capabilities = [self.registry.capabilities.get(device, {}).get(rule.parameter) for device in devices]
        return any(known is not None and not why_not_evidenced(rule.limit, known) for known in capabilities)


def read_directory(database: Database, registry: Registry) -> SnapshotDirectory:
    """Read people, names and rules as they stand.

    Raises:
        DatabaseUnavailable: mended by time.
    """
    with database.reading() as connection:
        points = connection.execute(select(WaterPoint.id, WaterPoint.municipality_id, WaterPoint.sms_names))
        places = {row[0]: Place(row[1], row[2]) for row in points}
        rules = _rules(connection)
        by_water_point, by_municipality = _subscribed(connection)
    return SnapshotDirectory(registry, places, rules, by_water_point, by_municipality)


def _rules(connection: Connection) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
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

"""A small town for alerts: rules, people and names, without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.holding import Silence
from alerts.recipient import Recipient
from alerts.rules import Delays, LimitRule, NoDataRule, Role, Rule, Severity
from waterquality.languages import Language
from waterquality.limits import Limit
from waterquality.parameters import Parameter

NINO = Recipient("nino", "+995555000101", Language.KA, Role.CSO)
LEYLA = Recipient("leyla", "+995555000102", Language.AZ, Role.CSO)
GIORGI = Recipient("giorgi", "+995555000103", Language.EN, Role.TECHNICIAN)

TURBID = LimitRule(
    id="turbid",
    limit=Limit(Parameter.TURBIDITY, None, 4.0, "who-2017"),
    delays=Delays(confirm_s=180, clear_s=600),
    deadband=0.5,
    severity=Severity.CRITICAL,
)
SOUR = LimitRule(
    id="sour",
    limit=Limit(Parameter.PH, 6.0, 9.0, "ge-58-2014"),
    delays=Delays(confirm_s=0, clear_s=600),
    deadband=0.1,
    severity=Severity.WARNING,
)
SILENT = NoDataRule(id="silent", after_s=1800, severity=Severity.WARNING)


@dataclass
class Town:
    """Implements `alerts.ports.Directory`."""

    all_rules: Sequence[Rule] = (TURBID, SOUR, SILENT)
    people: Sequence[Recipient] = (NINO, LEYLA, GIORGI)
    names: Mapping[str, str] = field(default_factory=dict)
    silences: Sequence[Silence] = ()

    def rules(self) -> Mapping[str, Rule]:
        return {rule.id: rule for rule in self.all_rules}

    def rules_for(self, water_point: str) -> Sequence[Rule]:
        return self.all_rules

    def recipients(
        self, water_point: str, audience: frozenset[Role], severity: Severity
    ) -> Sequence[Recipient]:
        return [person for person in self.people if person.role in audience and person.wants(severity)]

    def silence(self, rule: str, water_point: str, at: datetime) -> Silence | None:
        return next((each for each in self.silences if each.covers(rule, water_point, "", at)), None)

    def sms_name(self, water_point: str, language: Language) -> str:
        return self.names.get(water_point, water_point)

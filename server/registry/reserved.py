"""What the drill keeps for itself: a device, a water point, a person and a rule that are nobody's.

**Invariants**
* No registry file, card or certificate can name them: names of people's own have no underscore, and
  `check_device_id` refuses the device.
* At the reserved water point one rule is in force, which is in force nowhere else, and one person is told.
* No page, map, count, export, advisory or alarm about the record knows of them.
"""

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from alerts.rules import Delays, LimitRule, Role, Scope, Severity
from waterquality.limits import Limit
from waterquality.parameters import Parameter

DRILL_DEVICE = "zz-0000"
DRILL_POINT = "_drill"
DRILL_PERSON = "_drill"
DRILL_RULE = LimitRule(
    id="_drill",
    limit=Limit(Parameter.TURBIDITY, low=None, high=4.0, authority="drill"),
    delays=Delays(confirm_s=0, clear_s=0),
    deadband=0.5,
    severity=Severity.WARNING,
    audience=frozenset({Role.TECHNICIAN}),
    scope=Scope(frozenset({DRILL_POINT})),
)


def is_real(column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether the device or water point in a column is one of people's own."""
    return column.not_in((DRILL_DEVICE, DRILL_POINT))

"""The registry and directory in force: read whole, replaced whole, asked for by everybody.

Implements `alerts.ports.Directory` by passing each question to the snapshot in force.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.holding import Silence
from alerts.recipient import Recipient
from alerts.rules import AnyRule, Placed, Role, Rule, Severity
from server.database.engine import Database
from server.registry.directory import SnapshotDirectory, read_directory
from server.registry.months import Months
from server.registry.snapshot import CapabilityOf, Registry, capability_of, read_registry
from waterquality.languages import Language


class CurrentRegistry:
    """What is in force now; call `refresh` to see what has changed.

    Args:
        database: where it is kept.
        known: tells what a probe model can show.
    """

    def __init__(self, database: Database, known: CapabilityOf = capability_of) -> None:
        self._database, self._known, self._months = database, known, Months()
        self._directory = SnapshotDirectory(Registry(), {}, {}, {}, {})

    def refresh(self) -> None:
        """Read it anew.

        Raises:
            DatabaseUnavailable: what was in force stays in force; mended by time.
        """
        registry = read_registry(self._database, self._known, self._months)
        self._directory = read_directory(self._database, registry)

    def registry(self) -> Registry:
        """What is deployed where."""
        return self._directory.registry

    def rules(self) -> Mapping[str, AnyRule]:
        """All rules in force, by id."""
        return self._directory.rules()

    def rules_for(self, water_point: str) -> Sequence[Rule]:
        """Rules that can be judged at a water point."""
        return self._directory.rules_for(water_point)

    def placed(self, water_point: str) -> Placed:
        """The rules in force at a water point, and why others are not."""
        return self._directory.placed(water_point)

    def recipients(
        self, water_point: str, audience: frozenset[Role], severity: Severity
    ) -> Sequence[Recipient]:
        """People to tell."""
        return self._directory.recipients(water_point, audience, severity)

    def silence(self, rule: str, water_point: str, at: datetime) -> Silence | None:
        """What silences an alert at an instant."""
        return self._directory.silence(rule, water_point, at)

    def sms_name(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts."""
        return self._directory.sms_name(water_point, language)

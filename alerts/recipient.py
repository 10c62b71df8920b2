"""Who is told: a person, what they read, what they want to hear of, and when they want their rest. Pure.

A recipient is somebody who has agreed to get texts and has not opted out. Whoever has not, is none: the directory
leaves them out, and the ledger owes them nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.rules import Role, Severity
from waterquality.languages import Language

TBILISI = ZoneInfo("Asia/Tbilisi")
FIRST_TIER, LAST_TIER = 1, 3


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When somebody wants to be left alone, every day; over midnight where it ends before it begins.

    Attributes:
        begin: from then on, in Tbilisi.
        end: no longer then; never the same as `begin`.
    """

    begin: time
    end: time

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError(f"quiet hours from {self.begin:%H:%M} to {self.end:%H:%M} are none, or all day")

    def covers(self, at: datetime) -> bool:
        """Whether an instant lies within them."""
        local = at.astimezone(TBILISI).time()
        if self.begin < self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end

    def ends_after(self, at: datetime) -> datetime:
        """When those that an instant lies within end."""
        local = at.astimezone(TBILISI)
        day = local.date() if local.time() < self.end else local.date() + timedelta(days=1)
        return datetime.combine(day, self.end, TBILISI).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person and how to reach them.

    Attributes:
        person: id of the person.
        address: E.164 telephone number.
        language: what they read.
        role: who they are to Tskaro.
        tier: when their turn comes as long as nobody acknowledges, from 1 (at once) to 3.
        quiet: when they are not to be woken; None: at no time.
        least: the least severity that they want to hear of; None: of all.
        is_latin: whether they read their language in Latin letters.
        other_address: an e-mail address or an Apprise URL; "" where they gave none.
    """

    person: str
    address: str
    language: Language
    role: Role
    tier: int = FIRST_TIER
    quiet: QuietHours | None = None
    least: Severity | None = None
    is_latin: bool = False
    other_address: str = ""

    def wants(self, severity: Severity) -> bool:
        """Whether they want to hear of what matters so much."""
        return self.least is None or severity.is_at_least(self.least)

"""What alerts need of the world, as the protocols that the server implements.

Watch writes its judgement in one transaction (`Ledger.commit`): where each alert stands, the changes, the
notifications owed, and how far it has judged. So a crash leaves either all of it or none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from alerts.holding import Due, Silence
from alerts.lifecycle import State, Transition
from alerts.recipient import Recipient
from alerts.rules import AnyRule, Role, Rule, Severity
from waterquality.errors import LinkError
from waterquality.intervals import IntervalSet
from waterquality.languages import Language


class Lane(StrEnum):
    """Whether an alert is about now, or was found in data that arrived late."""

    LIVE = "live"
    LATE = "late"

    __hash__ = str.__hash__  # Enum's own is Python, and alerts are looked up at every observation


# The place of what is about the server and no water point.
SERVER = "tskaro"


class AlertKey(NamedTuple):
    """What an alert is about; an episode of it is numbered. A tuple, since it is hashed at every observation."""

    rule: str
    water_point: str
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alert stands, with what was said of it.

    Attributes:
        key: what it is about.
        state: the pure state.
        episode: number of the current or last episode, from 1; 0 before the first.
        told: whether notifications of this episode are owed or sent.
        step: number of the last telling of this episode, from 1; 0 before the first. It rises when the episode
            begins, comes back, gets worse and ends.
    """

    key: AlertKey
    state: State
    episode: int = 0
    told: bool = False
    step: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of one alert, as recorded.

    Attributes:
        key: the alert.
        episode: the episode it belongs to.
        transition: the change of phase.
        value: what was judged, in the parameter's unit; on resolving, the extreme of the whole episode.
    """

    key: AlertKey
    episode: int
    transition: Transition
    value: float | None


class Kind(StrEnum):
    """What a text says; each has a template per language."""

    TURBIDITY_HIGH = "turbidity_high"
    PH_OUT = "ph_out"
    LIMIT_BROKEN = "limit_broken"
    NO_FLOW = "no_flow"
    FLOW_BACK = "flow_back"
    NIGHT_FLOW = "night_flow"
    CHANGED_FAST = "changed_fast"
    WATER_CHANGED = "water_changed"
    PROBE_FAULT = "probe_fault"
    PROBE_WELL = "probe_well"
    DEVICE_SILENT = "device_silent"
    DEVICE_BACK = "device_back"
    ALL_CLEAR = "all_clear"
    RECORD_OPEN = "record_open"
    ALL_SILENT = "all_silent"
    ALL_HEARD = "all_heard"


@dataclass(frozen=True, slots=True)
class Owed:
    """A notification owed, with its text as rendered when it became owed.

    Attributes:
        key: the alert it belongs to.
        episode: the episode of that alert.
        kind: what it says.
        recipient: to whom.
        text: the text, one SMS segment.
        breached_at: when the breach it tells of was confirmed (event time).
        owed_at: when it became owed.
        step: the telling of the episode that it belongs to; a person is told each once.
        is_urgent: whether somebody must act at once: it goes before others, and no ceiling of cost holds it up.
        due: when it is to be sent, and why not at once; None: at once.
        ends: whether it says that something is over.
    """

    key: AlertKey
    episode: int
    kind: Kind
    recipient: Recipient
    text: str
    breached_at: datetime
    owed_at: datetime
    step: int = 1
    is_urgent: bool = False
    due: Due | None = None
    ends: bool = False

    @property
    def due_at(self) -> datetime:
        """When it is to be sent."""
        return self.owed_at if self.due is None else self.due.at

    @property
    def number(self) -> int:
        """By what texts of one kind in one episode are told apart: the step, or below nought for a reminder."""
        reminder = 0 if self.due is None else self.due.reminder
        return self.step if not reminder else -(self.step * 10 + reminder)


class Overtaken(LinkError):
    """Another judge has judged the same water point meanwhile; nothing was recorded; mended by judging again."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a water point that several judges judge, as it was read.

    Attributes:
        standings: where its alerts stand.
        heard_at: when it was last heard from; None where nobody wrote that down yet.
    """

    standings: frozenset[Standing] = frozenset()
    heard_at: datetime | None = None


def is_overtaken(read: Known, now: Known, *, of_silence: bool) -> bool:
    """Whether what a judgement relied on has changed since it was read."""
    return read.standings != now.standings or (of_silence and read.heard_at != now.heard_at)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that one round of judging changes; committed as a whole.

    Attributes:
        standings: where the judged alerts stand now.
        changes: the transitions, oldest first.
        owed: notifications that became owed.
        judged: sequence numbers judged, by (device, epoch).
        heard: when shared water points were last heard from.
        relied_on: what was read of shared water points and must still stand so.
        is_of_silence: whether it relied on when they were heard from, too.
        detectors: what event detectors know, by (water point, device).
    """

    standings: Sequence[Standing] = ()
    changes: Sequence[Change] = ()
    owed: Sequence[Owed] = ()
    judged: Mapping[tuple[str, str], IntervalSet] = field(default_factory=dict)
    heard: Mapping[str, datetime] = field(default_factory=dict)
    relied_on: Mapping[str, Known] = field(default_factory=dict)
    is_of_silence: bool = False
    detectors: Mapping[tuple[str, str], bytes] = field(default_factory=dict)


class Fate(StrEnum):
    """What became of a notification. ACCEPTED is a gateway's word, DELIVERED the handset's."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"  # it was held, and no longer needed when it came due
    GATHERED = "gathered"  # another text says it

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be learned."""
        return self not in (Fate.QUEUED, Fate.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Pending:
    """A notification whose fate is not final, as the notifier takes it up.

    Attributes:
        id: id in the ledger.
        address: E.164 telephone number.
        text: the rendered text.
        fate: QUEUED (to be sent) or ACCEPTED (its delivery to be asked for).
        attempts: how often it was tried or asked for since its fate last changed.
        owed_at: when it became owed.
        handed_at: when the transport accepted it; None before.
        message_id: the transport's own id, "" before it was accepted.
        is_urgent: whether somebody must act at once: it goes before others, and no ceiling of cost holds it up.
        person: whose it is; "" where that is of no matter.
        water_point: what it is about; "" where that is of no matter.
        kind: what it says; None where that is of no matter.
    """

    id: int
    address: str
    text: str
    fate: Fate
    attempts: int
    owed_at: datetime
    handed_at: datetime | None = None
    message_id: str = ""
    is_urgent: bool = False
    person: str = ""
    water_point: str = ""
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one try brought.

    Attributes:
        id: id of the notification in the ledger.
        fate: its fate now.
        attempts: tries since the fate last changed.
        at: when.
        due_at: when to take it up again; None when the fate is final.
        message_id: the transport's own id, "" when it gave none.
        detail: what the transport said, for the record.
    """

    id: int
    fate: Fate
    attempts: int
    at: datetime
    due_at: datetime | None
    message_id: str = ""
    detail: str = ""


class Ledger(Protocol):
    """What alerts remember."""

    def standings(self) -> Sequence[Standing]:
        """Every alert that is not simply normal, at start-up."""
        ...

    def judged(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], IntervalSet]:
        """Sequence numbers that were judged already, by (device, epoch); names of which none was are left out."""
        ...

    def known(self, water_points: Collection[str]) -> Mapping[str, Known]:
        """What is known now of each of these water points, whoever judged them."""
        ...

    def detectors(self, sites: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], bytes]:
        """What was saved of the event detectors of these (water point, device); nothing of those never saved."""
        ...

    def commit(self, judgement: Judgement) -> None:
        """Record a judgement as a whole.

        Raises:
            Overtaken: what it relied on stands so no more; nothing was recorded; mended by judging again.
            LinkError: the database cannot be reached; nothing was recorded; mended by time.
        """
        ...

    def due(self, now: datetime, at_most: int) -> Sequence[Pending]:
        """Notifications to take up now, oldest first."""
        ...

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what tries brought, as a whole."""
        ...

    def acknowledge(self, key: AlertKey, episode: int, by: str, at: datetime) -> bool:
        """Somebody takes an episode on: what was held only until then is dropped. The first counts.

        One that has grown worse since may be acknowledged again.

        Returns:
            Whether it is news; False also for an episode that there is not.
        """
        ...


class Directory(Protocol):
    """Who and where."""

    def rules(self) -> Mapping[str, AnyRule]:
        """All rules in force, by id."""
        ...

    def rules_for(self, water_point: str) -> Sequence[Rule]:
        """Rules that can be judged at a water point: those its probes can evidence."""
        ...

    def recipients(
        self, water_point: str, audience: frozenset[Role], severity: Severity
    ) -> Sequence[Recipient]:
        """Whom to tell: people subscribed to a water point or its municipality, with one of these roles.

        Each has agreed to get texts, has not opted out, and wants to hear of what matters so much.
        """
        ...

    def sms_name(self, water_point: str, language: Language) -> str:
        """The short name of a water point for texts."""
        ...

    def silence(self, rule: str, water_point: str, at: datetime) -> Silence | None:
        """What silences an alert at an instant, the longest of several; None where nothing does."""
        ...

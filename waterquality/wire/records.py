"""What an outbox numbers and a batch carries: observations, gaps, certificates and notes.

Every kind occupies sequence numbers, so that the completeness ledger counts one thing only.
"""

from dataclasses import dataclass
from enum import StrEnum

from waterquality.readings import Observation


class GapWhy(StrEnum):
    """Why a device had to drop what it had recorded. A closed list."""

    OUTBOX_FULL = "outbox_full"
    OUTBOX_CORRUPT = "outbox_corrupt"
    CLEARED_BY_OPERATOR = "cleared_by_operator"


class NoteKind(StrEnum):
    """What happened at the device that is no reading. A closed list."""

    STARTED = "started"
    SERVICE_BEGUN = "service_begun"
    SERVICE_ENDED = "service_ended"
    CLOCK_STEPPED = "clock_stepped"
    CONFIG_APPLIED = "config_applied"
    CLOCK_ASKED = "clock_asked"
    EPOCH_BEGUN = "epoch_begun"


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers whose content the device had to drop; itself a record.

    Attributes:
        first: lowest sequence number dropped.
        last: highest sequence number dropped.
        why: the reason.
    """

    first: int
    last: int
    why: GapWhy


@dataclass(frozen=True, slots=True)
class Certificate:
    """A calibration certificate as the device made it; `body` is its JSON text."""

    seq: int
    taken_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened at the device, with a short text of detail."""

    seq: int
    taken_ms: int
    kind: NoteKind
    detail: str = ""


Record = Observation | Gap | Certificate | Note


def span_of(record: Record) -> tuple[int, int]:
    """The first and last sequence number that a record occupies."""
    return (record.first, record.last) if isinstance(record, Gap) else (record.seq, record.seq)

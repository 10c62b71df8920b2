"""What an outbox remembers beside its records: one row of JSON, written together with them."""

import json
from dataclasses import asdict, dataclass, field

from edge.outbox.dating import Known
from edge.outbox.table import DamagedFile, checksum


@dataclass(frozen=True, slots=True)
class State:
    """The memory of an outbox.

    Attributes:
        epoch: eight hex digits; "" in a file that is new.
        serial: of the machine that the epoch belongs to.
        head: the highest sequence number given out.
        in_gaps: numbers turned into gaps since the epoch began.
        exposed: every number to here may have been sent.
        receipt_ms: the server's time in the newest receipt, milliseconds since 1970, UTC; None before the first.
        certificates_told: the highest number of a calibration certificate that was ever appended.
        volume_m3: what the meter stood at when it was last recorded.
        known: the newest time that a record has.
        ended: epochs that ended and were not told of yet, as the text of their note.
    """

    epoch: str = ""
    serial: str = ""
    head: int = 0
    in_gaps: int = 0
    exposed: int = 0
    receipt_ms: int | None = None
    certificates_told: int = 0
    volume_m3: float = 0.0
    known: Known = field(default_factory=Known)
    ended: tuple[str, ...] = ()


def text_of(state: State) -> str:
    """As it is kept."""
    text = json.dumps(asdict(state), separators=(",", ":"))
    return f"{checksum(text):08x} {text}"


def read_state(text: str) -> State:
    """As it was kept.

    Raises:
        DamagedFile: it makes no sense; the file is set aside.
    """
    try:
        if int(text[:8], 16) != checksum(text[9:]):
            raise DamagedFile("the outbox's own memory is damaged")
        told = json.loads(text[9:])
        known = Known(**told.pop("known"))
        state = State(**told | {"known": known, "ended": tuple(told["ended"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(f"the outbox's own memory makes no sense: {error}") from error
    return state

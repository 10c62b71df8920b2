"""Records to bytes, for the device: what the outbox keeps and what the uplink publishes.

A record is turned into its SenML body once, when it is appended; a batch is those bodies joined. So a
record repeated a week later is the same record to the letter, and sending costs no thinking.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from waterquality.parameters import SPECS
from waterquality.readings import Observation, Reading
from waterquality.wire import deflate as deflating
from waterquality.wire.records import Certificate, Gap, Note, Record

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Packed:
    """One record as the outbox holds it.

    Attributes:
        first: its (first) sequence number.
        last: its last sequence number; differs from `first` only for a gap.
        taken_ms: when it was taken, milliseconds since 1970, UTC.
        body: its SenML records after `seq`, as JSON text without the brackets.
        clock_uncertainty_s: how far `taken_ms` may be off, in seconds; kept apart from the body, because a
            clock that comes right later changes it.
    """

    first: int
    last: int
    taken_ms: int
    body: str
    clock_uncertainty_s: float = 0.0


def body_of(record: Record) -> str:
    """The SenML records after `seq` and clock, as JSON text without the brackets; "" where there are none."""
    return ",".join(
        json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in _entries(record)
    )


def encode(device: str, epoch: str, held: int, packed: Sequence[Packed], *, deflate: bool = False) -> bytes:
    """A batch ready to publish.

    Args:
        device: id of the device.
        epoch: epoch of the outbox.
        held: the oldest sequence number that the device still holds; written where it is not the first one here.
        packed: at least one record, ascending and without holes in their sequence numbers.
        deflate: whether to compress it (zlib with our dictionary).
    """
    opening = {"bn": f"{device}/", "bt": _seconds(packed[0].taken_ms), "n": "epoch", "vs": epoch}
    parts = [_dumps(opening)]
    if held != packed[0].first:
        parts.append(_dumps({"n": "held", "v": held}))
    base_ms = packed[0].taken_ms
    for record in packed:
        seq: dict[str, object] = {"n": "seq", "v": record.first}
        if record.taken_ms != base_ms:
            seq = {"bt": _seconds(record.taken_ms), **seq}
            base_ms = record.taken_ms
        parts.append(_dumps(seq))
        if record.clock_uncertainty_s:
            parts.append(_dumps({"n": "clock/uncertainty", "u": "s", "v": _tidy(record.clock_uncertainty_s)}))
        if record.body:
            parts.append(record.body)
    plain = f"[{','.join(parts)}]".encode()
    return deflating.deflate(plain) if deflate else plain


def pack(record: Record) -> Packed:
    """A record with its sequence number, as the outbox would hold it."""
    if isinstance(record, Gap):
        return Packed(record.first, record.last, 0, body_of(record))
    uncertainty_s = record.clock_uncertainty_s if isinstance(record, Observation) else 0.0
    return Packed(record.seq, record.seq, record.taken_ms, body_of(record), uncertainty_s)


def _entries(record: Record) -> Iterable[dict[str, object]]:
    match record:
        case Observation():
            return (entry for reading in record.readings.values() for entry in _reading_entries(reading))
        case Gap():
            return ({"n": "gap/through", "v": record.last}, {"n": "gap/why", "vs": record.why})
        case Certificate():
            return ({"n": "certificate", "vs": record.body},)
        case Note():
            detail = ({"n": "note/detail", "vs": record.detail},) if record.detail else ()
            return ({"n": "note", "vs": record.kind}, *detail)


def _reading_entries(reading: Reading) -> Iterable[dict[str, object]]:
    name, spec = str(reading.parameter), SPECS[reading.parameter]
    if reading.value is not None:
        yield {"n": name, "u": spec.wire_unit, "v": _tidy(reading.value * spec.wire_per_unit)}
    if reading.raw is not None:
        yield {"n": f"{name}/raw", "u": reading.raw_unit, "v": _tidy(reading.raw)}
    if reading.spread is not None:
        yield {"n": f"{name}/spread", "u": spec.wire_unit, "v": _tidy(reading.spread * spec.wire_per_unit)}
    if reading.certificate:
        yield {"n": f"{name}/cert", "vs": reading.certificate}
    if reading.screened.why:
        yield {"n": f"{name}/flag", "v": int(reading.flag)}
        yield {"n": f"{name}/why", "vs": str(reading.screened.why)}


def _tidy(value: float) -> float | int:
    """Nine significant digits, and no `.0`: what a probe can show, in the fewest letters."""
    rounded = float(f"{value:.9g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded  # noqa: PLR2004


def _seconds(milliseconds: int) -> float | int:
    whole, rest = divmod(milliseconds, _MS_PER_S)
    return milliseconds / _MS_PER_S if rest else whole


def _dumps(entry: Mapping[str, object]) -> str:
    return json.dumps(entry, separators=(",", ":"))

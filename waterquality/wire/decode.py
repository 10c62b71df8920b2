"""Bytes to records, for the server: nothing a payload holds can do harm, and one bad record harms no other.

**Invariant**: every sequence number of the envelope ends in exactly one of `records` and `poisoned`. So
each has a fate that can be booked and receipted, and no device repeats for ever what can never be read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NoReturn, TypeVar

from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.intervals import IntervalSet
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Observation, Reading
from waterquality.topics import Envelope
from waterquality.wire.deflate import inflate
from waterquality.wire.records import Certificate, Gap, GapWhy, Note, NoteKind, Record, span_of
from waterquality.wire.rejection import Malformed, Rejection
from waterquality.wire.senml import BASE_LABELS, Base, Resolved, number, resolve

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_INFLATED_BYTES = 2 * 1024 * 1024
MAX_RECORDS = 1_000  # twice what a device may be set to send at a time; booking them costs their square
_MAX_SEQ = 10**18
_PARAMETERS = frozenset(Parameter)
_OPENING = frozenset({"epoch", "held"})
_Word = TypeVar("_Word", GapWhy, NoteKind, Why)


@dataclass(frozen=True, slots=True)
class Poisoned:
    """Sequence numbers of a batch that cannot be taken in, and why."""

    first: int
    last: int
    reason: Rejection
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded payload.

    Attributes:
        held: the oldest sequence number that the device still holds; the envelope's first where the pack is silent.
        records: what could be read, in the order sent.
        poisoned: what could not; with `records` it covers the envelope exactly.
    """

    held: int
    records: tuple[Record, ...]
    poisoned: tuple[Poisoned, ...]


@dataclass(slots=True)
class _Group:
    """The SenML records between one `seq` and the next, by their names without the device's."""

    seq: int
    time_s: float
    fields: dict[str, Resolved] = field(default_factory=dict)
    fault: Malformed | None = None


def decode(payload: bytes, envelope: Envelope) -> Batch:
    """Read a batch.

    Args:
        payload: JSON or deflated JSON, as it came.
        envelope: what the topic said of it.

    Raises:
        Malformed: nothing of it can be read; mended by nobody.
    """
    pack = _parse(_inflate(payload))
    held, groups = _split(pack, envelope)
    return _settle(held, groups, envelope)


def _inflate(payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Malformed(Rejection.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES}")
    return inflate(payload, MAX_INFLATED_BYTES)


def _no_constant(word: str) -> NoReturn:
    raise Malformed(Rejection.NOT_FINITE, f"{word} is not JSON")


# Made once: `json.loads` would make one for each message.
_JSON = json.JSONDecoder(parse_constant=_no_constant)


def _parse(plain: bytes) -> list[Mapping[str, object]]:
    try:
        pack = _JSON.decode(plain.decode())
    except (ValueError, RecursionError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(Rejection.NOT_JSON, str(error)[:200]) from error
    if not isinstance(pack, list) or not pack or not all(isinstance(entry, dict) for entry in pack):
        raise Malformed(Rejection.NOT_SENML, "not a list of records")
    return pack


def _split(pack: Sequence[Mapping[str, object]], envelope: Envelope) -> tuple[int, list[_Group]]:
    """Check the opening, and group what follows by `seq`."""
    base, prefix = Base(), f"{envelope.device}/"
    opening: dict[str, Resolved] = {}
    groups: list[_Group] = []
    for record in pack:
        if not BASE_LABELS.isdisjoint(record):
            base.take(record)
        if base.name != prefix:
            raise Malformed(Rejection.WRONG_DEVICE, f"{base.name[:40]!r} in a batch of {envelope.device}")
        try:
            _sort_in(resolve(record, base), opening, groups)
        except Malformed as fault:
            if not groups:
                raise
            groups[-1].fault = groups[-1].fault or fault
    if len(groups) > MAX_RECORDS:
        raise Malformed(Rejection.TOO_LARGE, f"more than {MAX_RECORDS} records")
    return _held(opening, envelope), groups


def _sort_in(entry: Resolved, opening: dict[str, Resolved], groups: list[_Group]) -> None:
    name = entry.name
    if name == "seq":
        groups.append(_Group(_whole(entry), entry.time_s))
    elif name in _OPENING:
        opening[name] = entry
    elif not groups:
        raise Malformed(Rejection.NOT_SENML, f"{name[:40]!r} before the first seq")
    elif groups[-1].fields.setdefault(name, entry) is not entry:
        raise Malformed(Rejection.NOT_SENML, f"{name} twice in one record")


def _held(opening: Mapping[str, Resolved], envelope: Envelope) -> int:
    epoch = str(opening["epoch"].value) if "epoch" in opening else ""
    if epoch != envelope.epoch:
        raise Malformed(Rejection.WRONG_EPOCH, f"{epoch[:40]!r} in a batch of epoch {envelope.epoch}")
    return _whole(opening["held"]) if "held" in opening else envelope.first


def _settle(held: int, groups: Sequence[_Group], envelope: Envelope) -> Batch:
    """Give every sequence number of the envelope its one fate."""
    records: list[Record] = []
    poisoned: list[Poisoned] = []
    settled = _Settled()
    for group in groups:
        first, last = group.seq, group.seq
        try:
            record = _record(group, envelope)
            first, last = span_of(record)
            _check_place(first, last, envelope, settled)
            records.append(record)
        except Malformed as fault:
            last = max(first, last)
            if not _is_inside(first, last, envelope) or settled.covers(first, last):
                continue  # not ours to book; what the envelope misses is booked below
            poisoned.append(Poisoned(first, last, fault.reason, fault.detail))
        settled.add(first, last)
    poisoned += [
        Poisoned(first, last, Rejection.ABSENT_FROM_BATCH, "named by the topic, not in the payload")
        for first, last in settled.absent_from(envelope)
    ]
    return Batch(held, tuple(records), tuple(poisoned))


class _Settled:
    """Numbers of a batch that have their fate. Most batches come in order: then nothing has to be looked up."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        self._highest = 0

    def add(self, first: int, last: int) -> None:
        if self._spans and first == self._spans[-1][1] + 1:
            self._spans[-1] = (self._spans[-1][0], last)
        else:
            self._spans.append((first, last))
        self._highest = max(self._highest, last)

    def covers(self, first: int, last: int) -> bool:
        return first <= self._highest and IntervalSet.of(self._spans).covers(first, last)

    def touches(self, first: int, last: int) -> bool:
        if first > self._highest:
            return False
        settled = IntervalSet.of(self._spans)
        return first in settled or last in settled

    def absent_from(self, envelope: Envelope) -> Sequence[tuple[int, int]]:
        whole = (envelope.first, envelope.last)
        return () if self._spans == [whole] else (IntervalSet((whole,)) - IntervalSet.of(self._spans)).spans


def _check_place(first: int, last: int, envelope: Envelope, settled: _Settled) -> None:
    if not _is_inside(first, last, envelope):
        raise Malformed(Rejection.OUTSIDE_ENVELOPE, f"{first}-{last}")
    if settled.touches(first, last):
        raise Malformed(Rejection.DOUBLED_SEQUENCE, f"{first}-{last} twice in one batch")


def _is_inside(first: int, last: int, envelope: Envelope) -> bool:
    return envelope.first <= first <= last <= envelope.last


def _record(group: _Group, envelope: Envelope) -> Record:
    if group.fault is not None:
        raise group.fault
    taken_ms, fields = round(group.time_s * 1000), group.fields
    if "gap/through" in fields:
        return _gap(group.seq, fields)
    if "certificate" in fields:
        return Certificate(group.seq, taken_ms, _text(fields["certificate"]))
    if "note" in fields:
        detail = _text(fields["note/detail"]) if "note/detail" in fields else ""
        return Note(group.seq, taken_ms, _word(NoteKind, fields["note"]), detail)
    return _observation(group.seq, taken_ms, fields, envelope)


def _gap(seq: int, fields: Mapping[str, Resolved]) -> Gap:
    if "gap/why" not in fields:
        raise Malformed(Rejection.NOT_SENML, "a gap without a reason")
    return Gap(seq, _whole(fields["gap/through"]), _word(GapWhy, fields["gap/why"]))


def _observation(seq: int, taken_ms: int, fields: dict[str, Resolved], envelope: Envelope) -> Observation:
    clock = fields.pop("clock/uncertainty", None)
    uncertainty_s = _number(clock) if clock is not None else 0.0
    if uncertainty_s < 0:
        raise Malformed(Rejection.WRONG_TYPE, "clock/uncertainty is negative")
    facets: dict[Parameter, dict[str, Resolved]] = {}
    for name, entry in fields.items():
        parameter, facet = _place(name)
        facets.setdefault(parameter, {})[facet] = entry
    readings = {parameter: _reading(parameter, of) for parameter, of in facets.items()}
    return Observation(
        envelope.device, envelope.epoch, seq, taken_ms, MappingProxyType(readings), uncertainty_s
    )


_FACETS = frozenset({"", "raw", "cert", "flag", "why", "spread"})
_RAW_UNITS = frozenset({"V", "count"})


@lru_cache(maxsize=256)
def _place(name: str) -> tuple[Parameter, str]:
    """Of which parameter a field tells, and what of it."""
    parameter, _, facet = name.partition("/")
    if parameter not in _PARAMETERS:
        raise Malformed(Rejection.UNKNOWN_PARAMETER, f"{parameter[:40]!r}")
    if facet not in _FACETS:
        raise Malformed(Rejection.UNKNOWN_FIELD, f"{parameter}/{facet[:40]}")
    return Parameter(parameter), facet


def _reading(parameter: Parameter, facets: Mapping[str, Resolved]) -> Reading:
    entry, raw = facets.get(""), facets.get("raw")
    value = _in_unit(parameter, entry) if entry is not None else None
    if raw is not None and raw.unit not in _RAW_UNITS:
        raise Malformed(Rejection.WRONG_UNIT, f"{raw.name}: {raw.unit[:20]!r}")
    return Reading(
        parameter,
        value,
        _number(raw) if raw is not None else None,
        raw.unit if raw is not None else "V",
        _screened(parameter, facets, has_value=value is not None),
        _text(facets["cert"]) if "cert" in facets else "",
        _in_unit(parameter, facets["spread"]) if "spread" in facets else None,
    )


def _screened(parameter: Parameter, facets: Mapping[str, Resolved], *, has_value: bool) -> Screened:
    why = _word(Why, facets["why"]) if "why" in facets else Why.NONE
    if "flag" not in facets:
        if not has_value:
            raise Malformed(Rejection.NOT_SENML, f"{parameter} has neither a value nor a flag")
        return NOT_SCREENED
    code = _number(facets["flag"])
    try:
        flag = Flag(int(code)) if code.is_integer() else None
    except ValueError:
        flag = None
    if flag is None:
        raise Malformed(Rejection.UNKNOWN_WORD, f"{parameter}/flag: {code} is no QARTOD flag")
    if flag.is_usable and not has_value:
        raise Malformed(Rejection.NOT_SENML, f"{parameter} is flagged {flag.name} and has no value")
    return Screened(flag, why)


def _in_unit(parameter: Parameter, entry: Resolved) -> float:
    spec = SPECS[parameter]
    if entry.unit != spec.wire_unit:
        raise Malformed(Rejection.WRONG_UNIT, f"{entry.name}: {entry.unit[:20]!r} is not {spec.wire_unit}")
    value = _number(entry)
    if spec.wire_per_unit == 1.0:
        return value
    return number(float(f"{value / spec.wire_per_unit:.7g}"), entry.name)


def _number(entry: Resolved) -> float:
    if not isinstance(entry.value, float):
        raise Malformed(Rejection.WRONG_TYPE, f"{entry.name} has no number")
    return entry.value


def _whole(entry: Resolved) -> int:
    value = _number(entry)
    if not value.is_integer() or not 1 <= value <= _MAX_SEQ:
        raise Malformed(Rejection.WRONG_TYPE, f"{entry.name}: {value} is no sequence number")
    return int(value)


def _text(entry: Resolved) -> str:
    if not isinstance(entry.value, str):
        raise Malformed(Rejection.WRONG_TYPE, f"{entry.name} has no text")
    return entry.value


def _word(words: type[_Word], entry: Resolved) -> _Word:
    try:
        return words(_text(entry))
    except ValueError:
        raise Malformed(Rejection.UNKNOWN_WORD, f"{entry.name}: {str(entry.value)[:40]!r}") from None

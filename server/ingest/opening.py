"""Opening what arrived: from bytes to observations; what is none is booked or set aside.

**Invariant**: every number of an envelope that is ours either comes out as an observation or has its fate in the
round when this returns. What cannot be read harms nothing beside it.
"""

from collections.abc import Iterator
from dataclasses import replace

import structlog

from server.ingest.ended import closed_by
from server.ingest.round import Round
from server.ingest.subscriber import Arrival, Replayed
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation
from waterquality.topics import Envelope, device_of
from waterquality.wire.decode import Batch, decode
from waterquality.wire.records import Gap, Record, span_of
from waterquality.wire.rejection import Malformed, Rejection

_log = structlog.get_logger()


def opened(arrival: Arrival, envelope: Envelope | None, the_round: Round) -> Iterator[Observation]:
    """The observations in an arrival, as the device sent them, new or not.

    Args:
        arrival: as it came.
        envelope: what its topic says; None where the topic is not ours.
        the_round: gets what is no observation.
    """
    if envelope is None:
        nowhere = Envelope(device_of(arrival.topic)[:16], "", 0, 0)
        the_round.set_aside(arrival, nowhere, Rejection.WRONG_TOPIC, "no readings topic")
        return
    part = _part(arrival, envelope)
    if envelope.device not in the_round.registry.devices:
        # Not receipted: the device keeps its observations until somebody registers it.
        the_round.set_aside(arrival, part, Rejection.UNKNOWN_DEVICE, "register it")
        return
    the_round.touched.add((envelope.device, envelope.epoch))
    try:
        batch = decode(arrival.payload, envelope)
    except Malformed as fault:
        the_round.poison(arrival, part, fault.reason, fault.detail)
    except Exception as defect:  # noqa: BLE001 - a defect of ours must not stop the intake
        _log.exception("decoding_failed", topic=arrival.topic)
        the_round.poison(arrival, part, Rejection.DEFECT, repr(defect))
    else:
        yield from _sorted(_only(batch, arrival), arrival, envelope, the_round)


def _sorted(batch: Batch, arrival: Arrival, envelope: Envelope, the_round: Round) -> Iterator[Observation]:
    for poisoned in batch.poisoned:
        place = replace(envelope, first=poisoned.first, last=poisoned.last)
        the_round.poison(arrival, place, poisoned.reason, poisoned.detail)
    for record in batch.records:
        if isinstance(record, Observation):
            yield record
        else:
            _book(record, envelope, the_round)
    key = (envelope.device, envelope.epoch)
    the_round.change(key, the_round.book(key).told_held(batch.held))


def _book(record: Record, envelope: Envelope, the_round: Round) -> None:
    """Book a gap, or a note or certificate, which is kept in the database."""
    assert not isinstance(record, Observation)
    key = (envelope.device, envelope.epoch)
    book = the_round.book(key)
    unsettled = IntervalSet((span_of(record),)) - book.settled
    if isinstance(record, Gap):
        the_round.change(key, replace(book, gaps=book.gaps | unsettled))
    elif unsettled:
        the_round.booking.noted.append((key, record))
        the_round.booking.timed.setdefault(key, []).append((record.seq, record.taken_ms))
        the_round.change(key, replace(book, noted=book.noted | unsettled))
        the_round.booking.books |= closed_by(record, envelope.device, the_round.book)


def _part(arrival: Arrival, envelope: Envelope) -> Envelope:
    """Which numbers of an envelope an arrival stands for."""
    if not isinstance(arrival, Replayed):
        return envelope
    return replace(envelope, first=arrival.first, last=arrival.last)


def _only(batch: Batch, arrival: Arrival) -> Batch:
    """What of a batch an arrival stands for; the rest of a batch in quarantine was taken in when it came."""
    if not isinstance(arrival, Replayed):
        return batch
    records = (each for each in batch.records if _overlaps(arrival, *span_of(each)))
    poisoned = (each for each in batch.poisoned if _overlaps(arrival, each.first, each.last))
    return Batch(batch.held, tuple(records), tuple(poisoned))


def _overlaps(kept: Replayed, first: int, last: int) -> bool:
    return first <= kept.last and last >= kept.first

"""On which day a number was taken: known at the edges of a day, estimated between."""

from hypothesis import given
from hypothesis import strategies as st

from server.ingest.days import DaySpan, Extent, Unwritten, date_of, day_of, day_on, day_spans, extents_of
from tests.builders import instant
from waterquality.intervals import IntervalSet
from waterquality.readings import to_ms

KEY = ("kk-0001", "9f1c2a7e")
MIDNIGHT = to_ms(instant("2026-11-19T20:00:00Z"))  # of 2026-11-20 in Tbilisi
DAY = day_of(MIDNIGHT)
MINUTE = 60_000


def ms(minutes: float) -> int:
    """So many minutes after that midnight."""
    return MIDNIGHT + round(minutes * MINUTE)


def test_a_day_is_one_of_tbilisi() -> None:
    assert date_of(DAY).isoformat() == "2026-11-20"
    assert day_of(MIDNIGHT - 1) == DAY - 1
    assert day_on(date_of(DAY)) == DAY


def test_what_is_timed_is_of_its_own_day_to_the_number() -> None:
    timed = [(seq, ms(seq - 100.5)) for seq in range(1, 201)]

    extents = extents_of({KEY: timed})
    spans = day_spans(list(extents.values()), head=200)

    assert spans == [DaySpan(DAY - 1, 1, 100), DaySpan(DAY, 101, 200)]


def test_what_never_came_gets_its_day_by_the_straight_line_between_its_neighbours() -> None:
    before = Extent(1, ms(-40), 10, ms(-31))  # one a minute; what was taken round midnight never came
    after = Extent(71, ms(30), 80, ms(39))

    spans = day_spans([before, after], head=80)

    assert spans == [DaySpan(DAY - 1, 1, 40), DaySpan(DAY, 41, 80)]
    assert spans[0].of(IntervalSet(((11, 70),))).spans == ((11, 40),)


def test_days_on_which_the_device_was_off_hold_nothing() -> None:
    off = [Extent(1, ms(-20), 10, ms(-11)), Extent(11, ms(3 * 1440 + 5), 12, ms(3 * 1440 + 6))]

    assert day_spans(off, head=12) == [DaySpan(DAY - 1, 1, 10), DaySpan(DAY + 3, 11, 12)]


def test_what_lies_in_the_outbox_gets_its_day_from_how_far_the_device_said_it_had_come() -> None:
    known = [Extent(1, ms(-20), 10, ms(-11))]

    assert day_spans(known, head=40, told=(40, ms(19))) == [DaySpan(DAY - 1, 1, 20), DaySpan(DAY, 21, 40)]
    assert day_spans(known, head=40) == [DaySpan(DAY - 1, 1, 40)]


def test_where_no_instant_is_known_no_day_is_claimed() -> None:
    assert day_spans([], head=7) == (DaySpan(None, 1, 7),)
    assert day_spans([], head=0) == ()


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(-5000, 5000)), max_size=8),
    st.integers(1, 500),
    st.none() | st.tuples(st.integers(1, 500), st.integers(-5000, 5000)),
)
def test_the_days_hold_every_number_once_whatever_a_device_may_have_sent(
    ends: list[tuple[int, int]], head: int, told: tuple[int, int] | None
) -> None:
    extents = [Extent(seq, ms(at), seq, ms(at)) for seq, at in ends]

    spans = day_spans(extents, head, None if told is None else (told[0], ms(told[1])))

    assert [seq for span in spans for seq in range(span.first, span.last + 1)] == list(range(1, head + 1))
    days = [span.day for span in spans if span.day is not None]
    assert days == sorted(set(days))


def test_a_day_is_written_when_it_begins_and_then_a_few_times_an_hour() -> None:
    unwritten, written = Unwritten(), []
    for seq in range(1, 121):  # two hours, one a minute
        due = unwritten.due(extents_of({KEY: [(seq, ms(seq))]}))
        unwritten.wrote(due)
        written += list(due.values())

    assert len(written) == 8
    assert written[0] == Extent(1, ms(1), 1, ms(1))
    assert written[-1] == Extent(1, ms(1), 106, ms(106))


def test_the_end_of_a_day_is_written_with_the_beginning_of_the_next() -> None:
    unwritten = Unwritten()
    unwritten.wrote(unwritten.due(extents_of({KEY: [(1, ms(-10))]})))
    unwritten.wrote(unwritten.due(extents_of({KEY: [(9, ms(-2))]})))

    due = unwritten.due(extents_of({KEY: [(12, ms(1))]}))

    assert due == {
        (*KEY, DAY - 1): Extent(1, ms(-10), 9, ms(-2)),
        (*KEY, DAY): Extent(12, ms(1), 12, ms(1)),
    }


def test_what_could_not_be_written_is_due_again() -> None:
    unwritten = Unwritten()
    first = unwritten.due(extents_of({KEY: [(1, ms(1))]}))

    assert unwritten.due(extents_of({KEY: [(2, ms(2))]})) == {(*KEY, DAY): Extent(1, ms(1), 2, ms(2))}
    assert first

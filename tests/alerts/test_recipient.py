"""Who wants what, and when."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.recipient import TBILISI, QuietHours
from alerts.rules import Severity
from tests.fakes.town import NINO

NIGHT, NOON = QuietHours(time(22), time(7)), QuietHours(time(13), time(14, 30))


@pytest.mark.parametrize(
    ("hours", "local", "expected"),
    [
        pytest.param(NIGHT, "21:59", False, id="a minute before the night"),
        pytest.param(NIGHT, "22:00", True, id="as the night begins"),
        pytest.param(NIGHT, "00:00", True, id="midnight"),
        pytest.param(NIGHT, "06:59", True, id="a minute before it ends"),
        pytest.param(NIGHT, "07:00", False, id="as it ends"),
        pytest.param(NOON, "12:59", False, id="before noon's rest"),
        pytest.param(NOON, "13:00", True, id="as it begins"),
        pytest.param(NOON, "14:30", False, id="as noon's rest ends"),
        pytest.param(NOON, "23:00", False, id="in the night of one who rests at noon"),
    ],
)
def test_quiet_hours_are_those_of_tbilisi_and_go_over_midnight(hours, local, expected):
    at = datetime.combine(datetime(2026, 11, 20, tzinfo=UTC), time.fromisoformat(local), TBILISI)

    assert hours.covers(at) is expected
    assert hours.covers(at.astimezone(UTC)) is expected


@given(st.times(), st.times(), st.datetimes(timezones=st.just(TBILISI)))
def test_every_instant_is_in_the_quiet_hours_or_in_the_rest_of_the_day(begin, end, at):
    if begin == end:
        with pytest.raises(ValueError, match="none, or all day"):
            QuietHours(begin, end)
    else:
        assert QuietHours(begin, end).covers(at) is not QuietHours(end, begin).covers(at)


def test_who_wants_only_the_gravest_hears_of_nothing_less():
    reserved = replace(NINO, least=Severity.CRITICAL)

    assert reserved.wants(Severity.CRITICAL)
    assert not reserved.wants(Severity.WARNING)
    assert all(NINO.wants(severity) for severity in Severity)


def test_severities_are_written_down_the_gravest_first():
    assert Severity.CRITICAL.is_at_least(Severity.WARNING)
    assert not Severity.WARNING.is_at_least(Severity.CRITICAL)
    assert all(severity.is_at_least(severity) for severity in Severity)
    assert all(Severity.CRITICAL.is_at_least(severity) for severity in Severity)

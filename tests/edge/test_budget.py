"""The SIM's budget: counted over restarts, forecast, and spent as fast as the month's days."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.budget import (
    Budget,
    Spending,
    Thrift,
    figures_of,
    forecast_of,
    look_into,
    month_of,
    month_span,
    thrift_of,
)
from edge.clock import Instant
from waterquality.readings import to_ms

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BEGIN_MS = to_ms(datetime(2026, 10, 31, 20, tzinfo=UTC))  # midnight in Tbilisi, the first of November
MEGABYTE = 1_000_000


def at(wall_ms: int, *, synchronised: bool = True) -> Instant:
    return Instant(wall_ms, wall_ms - BEGIN_MS, "boot-1", synchronised)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "budget.json"


def test_a_month_is_one_of_georgia() -> None:
    assert month_of(datetime(2026, 10, 31, 19, 59, tzinfo=UTC)) == "2026-10"
    assert month_of(datetime(2026, 10, 31, 20, 0, tzinfo=UTC)) == "2026-11"
    assert [to_ms(end) for end in month_span("2026-11")] == [BEGIN_MS, BEGIN_MS + 30 * DAY_MS]
    assert (month_span("2026-12")[1] - month_span("2026-12")[0]).days == 31
    assert (month_span("2028-02")[1] - month_span("2028-02")[0]).days == 29


def test_what_is_carried_is_added_up_and_a_new_month_begins_at_nought(path: Path) -> None:
    budget = Budget(path)
    for day in range(29):
        budget.count(1000, at(BEGIN_MS + day * DAY_MS))
    assert (budget.figures().month, budget.used_bytes) == ("2026-11", 29_000)

    budget.count(7, at(BEGIN_MS + 30 * DAY_MS))
    assert (budget.figures().month, budget.used_bytes) == ("2026-12", 7)


def test_the_count_survives_a_restart(path: Path) -> None:
    budget = Budget(path, 5 * MEGABYTE)
    budget.count(1234, at(BEGIN_MS + DAY_MS))
    budget.close()

    again = Budget(path, 5 * MEGABYTE)
    again.count(1, at(BEGIN_MS + 2 * DAY_MS))
    assert again.used_bytes == 1235


def test_a_power_cut_costs_a_quarter_of_an_hour_of_counting_at_most(path: Path) -> None:
    budget = Budget(path)
    for minute in range(62):
        budget.count(100, at(BEGIN_MS + minute * 60_000))

    assert 6200 - Budget(path).used_bytes <= 15 * 100


def test_a_clock_that_is_not_synchronised_turns_no_month(path: Path) -> None:
    budget = Budget(path)
    budget.count(100, at(BEGIN_MS + DAY_MS))
    budget.count(20, Instant(5_000, 5_000, "boot-2", is_synchronised=False))  # 1970
    budget.count(3, at(BEGIN_MS + DAY_MS - 1))  # set back by a second

    assert (budget.figures().month, budget.used_bytes) == ("2026-11", 123)


def test_a_clock_that_was_years_ahead_and_is_set_right_keeps_no_month_for_years(path: Path) -> None:
    budget = Budget(path)
    budget.count(100, at(BEGIN_MS + DAY_MS))
    budget.count(20, at(BEGIN_MS + 3_000 * DAY_MS))
    budget.count(3, at(BEGIN_MS + 2 * DAY_MS))
    assert (budget.figures().month, budget.used_bytes) == ("2026-11", 23)

    budget.count(4, at(BEGIN_MS + 31 * DAY_MS))
    assert (budget.figures().month, budget.used_bytes) == ("2026-12", 4)


def test_a_clock_that_slips_back_by_hours_turns_no_month_back(path: Path) -> None:
    budget = Budget(path)
    budget.count(100, at(BEGIN_MS - 3_600_000))
    budget.count(20, at(BEGIN_MS + 1))
    budget.count(3, at(BEGIN_MS - 1_800_000))

    assert (budget.figures().month, budget.used_bytes) == ("2026-11", 23)


def test_what_was_counted_before_any_time_was_known_belongs_to_the_first_month(path: Path) -> None:
    budget = Budget(path)
    budget.count(100, Instant(5_000, 5_000, "boot-1", is_synchronised=False))
    assert (budget.figures().month, budget.figures().forecast_bytes) == ("", None)

    budget.count(20, at(BEGIN_MS + DAY_MS))
    assert (budget.figures().month, budget.used_bytes) == ("2026-11", 120)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"month": "2026-13"}',
        '{"month": 3}',
        '{"used_bytes": -1}',
        '{"x": 1}',
        '{"used_bytes": true}',
    ],
)
def test_a_damaged_count_begins_anew_and_is_not_hidden(
    path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.parent.mkdir()
    path.write_text(damage)

    budget = Budget(path)
    assert budget.used_bytes == 0
    assert "budget_unreadable" in capsys.readouterr().out
    budget.close()
    assert json.loads(path.read_text())["used_bytes"] == 0


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    budget = Budget(tmp_path / "file" / "budget.json")
    budget.count(5, at(BEGIN_MS))
    budget.close()

    assert budget.used_bytes == 5
    assert "budget_not_saved" in capsys.readouterr().out


def test_the_forecast_goes_on_at_the_rate_so_far() -> None:
    since_the_first = Spending("2026-11", 2 * MEGABYTE, BEGIN_MS, BEGIN_MS + 10 * DAY_MS)
    installed_on_the_21st = Spending("2026-11", MEGABYTE, BEGIN_MS + 20 * DAY_MS, BEGIN_MS + 25 * DAY_MS)

    assert forecast_of(since_the_first) == 6 * MEGABYTE
    assert forecast_of(installed_on_the_21st) == 2 * MEGABYTE
    assert forecast_of(Spending("2026-11", 5, BEGIN_MS, BEGIN_MS + HOUR_MS - 1)) is None


@pytest.mark.parametrize(
    ("day", "megabytes", "thrift"),
    [
        (0, 0.9, Thrift.EASE),  # the first day may carry a backlog
        (0, 1.1, Thrift.TIGHT),
        (15, 5.2, Thrift.EASE),
        (15, 5.3, Thrift.TIGHT),
        (15, 9.4, Thrift.TIGHT),
        (15, 9.5, Thrift.SPENT),
        (29, 9.2, Thrift.EASE),
        (29, 20.0, Thrift.SPENT),
    ],
)
def test_a_month_may_be_spent_as_fast_as_its_days(day: int, megabytes: float, thrift: Thrift) -> None:
    spending = Spending("2026-11", round(megabytes * MEGABYTE), BEGIN_MS, BEGIN_MS + day * DAY_MS)

    assert thrift_of(spending, 10 * MEGABYTE) is thrift
    assert thrift_of(spending, None) is Thrift.EASE


def test_a_person_is_shown_what_is_used_forecast_and_capped(path: Path) -> None:
    budget = Budget(path, 10 * MEGABYTE)
    budget.count(0, at(BEGIN_MS))
    budget.count(MEGABYTE, at(BEGIN_MS + 10 * DAY_MS))
    budget.close()

    shown = look_into(path, 10 * MEGABYTE)
    assert (
        shown
        == budget.figures()
        == figures_of(Spending("2026-11", MEGABYTE, BEGIN_MS, BEGIN_MS + 10 * DAY_MS), 10 * MEGABYTE)
    )
    assert (shown.used_bytes, shown.forecast_bytes, shown.cap_bytes) == (
        MEGABYTE,
        3 * MEGABYTE,
        10 * MEGABYTE,
    )


def test_where_nobody_has_counted_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="budget"):
        look_into(tmp_path / "budget.json", None)

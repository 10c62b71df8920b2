"""Words, numbers and times in five languages."""

import json

import pytest

from server.web.reader import load_readers
from tests.builders import ms
from waterquality.languages import Language
from waterquality.parameters import Parameter

READERS = load_readers()
NOON = ms("2026-11-20T08:00:00Z")  # in Tbilisi


@pytest.mark.parametrize(
    ("language", "said"),
    [("ka", "1 234,50"), ("az", "1.234,50"), ("hy", "1 234,50"), ("ru", "1 234,50"), ("en", "1,234.50")],
)
def test_a_number_is_written_as_its_reader_writes_it(language: str, said: str) -> None:
    written = READERS[Language(language)].number(1234.5, 2)
    assert written.replace("\u00a0", " ").replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (-5, "now"),
        (0, "now"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (119, "1 minute ago"),
        (3599, "59 minutes ago"),
        (9000, "2 hours ago"),
        (86_400 * 6, "6 days ago"),
        (86_400 * 13, "1 week ago"),
    ],
)
def test_an_age_never_makes_a_reading_older_than_it_is(age_s: int, said: str) -> None:
    assert READERS[Language.EN].age(NOON - age_s * 1000, NOON) == said


@pytest.mark.parametrize("language", list(Language))
def test_a_script_words_every_age_as_the_server_does(language: Language) -> None:
    reader = READERS[language]
    writing = json.loads(reader.for_scripts())
    for unit, size_s, most in (("second", 1, 59), ("minute", 60, 59), ("hour", 3600, 23), ("day", 86_400, 6)):
        for count in range(1, most + 1):
            form = writing["ages"][unit][int(writing["plural"][count % 100])]
            assert form.replace("{}", str(count)) == reader.age(NOON - count * size_s * 1000, NOON)


def test_a_moment_is_in_the_time_of_tbilisi_with_a_date_only_where_it_is_needed() -> None:
    reader = READERS[Language.KA]
    assert reader.moment(ms("2026-11-20T02:05:00Z"), NOON) == "06:05"
    assert reader.moment(ms("2026-11-19T19:59:00Z"), NOON) == "19 ნოე, 23:59"
    assert reader.moment(ms("2025-11-19T19:59:00Z"), NOON) == "19 ნოე 2025, 23:59"


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.2, "1 minute"), (100, "1 hour 40 minutes"), (1440 * 2 + 61, "2 days 1 hour")]
)
def test_a_duration_names_its_two_largest_units(minutes: float, said: str) -> None:
    assert READERS[Language.EN].duration(int(minutes * 60_000)) == said


def test_a_value_keeps_the_decimals_of_its_parameter_and_a_limit_those_it_has() -> None:
    reader = READERS[Language.KA]
    assert reader.value(Parameter.TURBIDITY, 0.0) == "0,00"
    assert reader.bound(4.0) == "4"
    assert reader.bound(6.5) == "6,5"


def test_a_missing_name_falls_back_to_one_that_is_there() -> None:
    reader = READERS[Language.HY]
    assert reader.name_of({"ka": "სადახლო", "en": "Sadakhlo"}) == "Sadakhlo"
    assert reader.name_of({"az": "Sadaxlı"}) == "Sadaxlı"
    assert reader.name_of({}) == ""


def test_what_cannot_be_below_nothing_is_shown_as_about_nothing() -> None:
    reader = load_readers()[Language.EN]

    assert [reader.value(Parameter.TURBIDITY, ntu) for ntu in (-1.94, 0.0)] == ["≈ 0", "0.00"]
    assert reader.value(Parameter.TEMPERATURE, -1.0) == "-1.0"

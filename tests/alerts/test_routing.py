"""Which gateway carries a text: cases in English."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.transports.port import GatewayBusy, Trouble
from alerts.transports.routing import Condition, Terms, rests_until, route
from alerts.transports.spending import Ceiling, Threshold, day_of, until_tomorrow_s

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def resting(seconds=30):
    return Condition(resting_until=NOW + timedelta(seconds=seconds))


def way(*gateways, **kwargs):
    usual = {"segments": 1, "is_urgent": False, "spent_tetri": 0, "ceiling": Ceiling(), "now": NOW}
    return route(list(gateways), **(usual | kwargs))


A, B, C = Terms("a", tetri=5), Terms("b", tetri=7), Terms("sim")
WELL = Condition()


@pytest.mark.parametrize(
    ("gateways", "more", "names"),
    [
        ([(A, WELL), (B, WELL)], {}, "a b"),
        ([(A, resting()), (B, WELL)], {}, "b a"),
        ([(A, resting()), (B, resting())], {}, "a b"),
        ([(A, resting(-1)), (B, WELL)], {}, "a b"),
        ([(A, WELL), (B, WELL)], {"answer_lost_by": "b"}, "b a"),
        ([(A, WELL), (B, resting())], {"answer_lost_by": "b"}, "b a"),
        ([(A, WELL), (B, WELL)], {"spent_tetri": 95, "ceiling": Ceiling(100)}, "a"),
        ([(A, WELL), (C, WELL)], {"spent_tetri": 100, "ceiling": Ceiling(100)}, "sim"),
        ([(A, WELL)], {"spent_tetri": 100, "ceiling": Ceiling(100)}, ""),
        ([(A, WELL)], {"spent_tetri": 100, "ceiling": Ceiling(100), "is_urgent": True}, "a"),
        ([(A, WELL)], {"spent_tetri": 95, "ceiling": Ceiling(100), "segments": 2}, ""),
        ([(Terms("a", per_minute=2), Condition(None, (ago(50), ago(10)))), (B, WELL)], {}, "b"),
        ([(Terms("a", per_minute=2), Condition(None, (ago(61), ago(10)))), (B, WELL)], {}, "a b"),
        ([(Terms("a", per_minute=1), Condition(None, (ago(10),)))], {"is_urgent": True}, ""),
    ],
    ids=[
        "in the order of the settings",
        "one that had trouble goes behind",
        "all had trouble: in their order, and nobody is left out",
        "trouble that is over is forgotten",
        "a lost answer is looked for where it was lost",
        "also where there was trouble since",
        "the dearer one is over the ceiling and the cheaper is not",
        "what costs nothing is under every ceiling",
        "nothing that can wait goes out over the ceiling",
        "what is urgent goes out over the ceiling",
        "two segments cost twice",
        "a full minute is left to the next",
        "a minute moves on",
        "a full minute holds for urgent texts as well",
    ],
)
def test_whom_to_ask(gateways, more, names):
    assert tuple(names.split()) == way(*gateways, **more).names


def test_a_full_minute_says_when_it_is_over():
    found = way((Terms("a", per_minute=2), Condition(None, (ago(50), ago(10)))))

    assert (10, ("a: 2 texts a minute are reached",)) == (found.retry_after_s, found.left_out)


def test_a_ceiling_holds_until_midnight_in_tbilisi():
    found = way((A, WELL), spent_tetri=100, ceiling=Ceiling(100))

    assert 12 * 3600 == found.retry_after_s == until_tomorrow_s(NOW)


def test_the_day_is_that_of_tbilisi():
    assert (28, 29) == (day_of(NOW).day, day_of(datetime(2026, 11, 28, 20, 1, tzinfo=UTC)).day)


@pytest.mark.parametrize(
    ("before", "after", "threshold"),
    [
        (0, 79, None),
        (79, 80, Threshold.NEAR),
        (80, 81, None),
        (79, 100, Threshold.REACHED),
        (99, 104, Threshold.REACHED),
        (100, 105, None),
    ],
)
def test_each_threshold_is_crossed_once(before, after, threshold):
    assert threshold is Ceiling(100).crossed(before, after)


def test_without_a_ceiling_nothing_is_crossed():
    assert Ceiling().crossed(0, 10**9) is None


@pytest.mark.parametrize(
    ("trouble", "asked_for_s", "rest_s"),
    [
        ("busy", None, 30),
        ("busy", 300, 300),
        ("down", 10, 60),
        ("unpaid", None, 600),
        ("refused", 10**9, 3600),
    ],
)
def test_a_gateway_rests_as_long_as_its_trouble_may_last(trouble, asked_for_s, rest_s):
    assert NOW + timedelta(seconds=rest_s) == rests_until(GatewayBusy("", asked_for_s, Trouble(trouble)), NOW)


@given(
    conditions=st.lists(st.sampled_from([WELL, resting(), resting(600)]), min_size=1, max_size=5),
    lost=st.integers(0, 4),
)
def test_trouble_alone_leaves_no_gateway_out(conditions, lost):
    gateways = [(Terms(f"g{number}"), each) for number, each in enumerate(conditions)]

    assert {terms.name for terms, _ in gateways} == set(way(*gateways, answer_lost_by=f"g{lost}").names)

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from demo.cells import Flaw
from demo.columns import parse_mapping
from demo.recorded import open_recording
from waterquality.parameters import Parameter

# Beside the checkout, where others' recordings may lie.
SHARED = Path(__file__).parents[3] / "shared" / "data"
DENVER, MOUNTAIN_STANDARD = ZoneInfo("America/Denver"), ZoneInfo("Etc/GMT+7")


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the checkout; it is not part of the repository")
    return path


def test_the_waterworks_of_2018_is_read_whole():
    opened = open_recording(
        shared("gecco2018/gecco2018_train.csv.gz"),
        time_column="time_utc",
        mappings=[parse_mapping(text) for text in ("turbidity=Trueb:NTU", "ph=pH:pH", "flow=Fm:m3/h")],
        tz=None,
        missing=frozenset(),
    )
    span = opened.span()

    assert (span.rows, span.bad) == (139_566, {})
    assert span.missing == {Parameter.TURBIDITY: 1044, Parameter.PH: 1044, Parameter.FLOW: 1044}
    assert span.first == datetime(2016, 8, 3, 9, 49, tzinfo=UTC)
    assert next(opened.rows()).values == pytest.approx(
        {Parameter.TURBIDITY: 0.011, Parameter.PH: 8.36, Parameter.FLOW: 27_950.0}
    )


@pytest.mark.parametrize(
    ("name", "zone", "rows", "bad", "missing"),
    [
        ("MainStreet2019", MOUNTAIN_STANDARD, 25_881, {}, (61, 100)),
        ("BlackSmithFork2019", MOUNTAIN_STANDARD, 31_162, {}, (6327, 449)),
        ("MainStreet2019", DENVER, 25_877, {Flaw.TIME_SKIPPED: 4}, (61, 100)),
        ("BlackSmithFork2019", DENVER, 31_154, {Flaw.TIME_SKIPPED: 4, Flaw.TIME_AMBIGUOUS: 4}, (6323, 449)),
    ],
)
def test_the_river_of_2019_is_read_whole_in_its_own_zone_and_not_in_that_of_the_town(
    name, zone, rows, bad, missing
):
    span = open_recording(
        shared(f"logan_river/{name}.csv.gz"),
        time_column="datetime",
        mappings=[parse_mapping(text) for text in ("turbidity=turb_cor:NTU", "ph=ph_cor:pH")],
        tz=zone,
        missing=frozenset({"-9999"}),
    ).span()

    assert (span.rows, span.bad) == (rows, bad)
    assert (span.missing[Parameter.TURBIDITY], span.missing[Parameter.PH]) == missing

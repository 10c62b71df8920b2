"""The benchmark of events: what it counts, which columns it reads, and that it runs."""

import json
import random

import pytest

from benchmarks.detection import main
from benchmarks.recordings import read
from benchmarks.scoring import score
from waterquality.screening.learning import runs

MINUTE_MS = 60_000


def scored(labels: str, calls: str) -> dict:
    times = [at * MINUTE_MS for at in range(len(labels))]
    return score([mark == "x" for mark in labels], [int(mark) for mark in calls], times)


@pytest.mark.parametrize(
    ("labels", "calls", "expected"),  # found, false alarms, precision, recall, delay in seconds
    [
        ("..xxxx..", "00000000", (0, 0, 0.0, 0.0, None)),
        ("..xxxx..", "00001110", (1, 0, 0.667, 0.5, 120)),
        ("..xxxx..", "10020000", (1, 1, 0.5, 0.25, 60)),
        ("..xxxx..", "10010000", (1, 0, 0.5, 0.25, 60)),  # one call that resumes is one call
        ("xx....xx", "00000001", (1, 0, 1.0, 0.25, 60)),
        ("xx....xx", "11111111", (2, 0, 0.5, 1.0, 0)),
        ("........", "00110220", (0, 2, 0.0, 0.0, None)),
    ],
)
def test_rows_events_and_false_alarms_are_counted(labels, calls, expected):
    figures = scored(labels, calls)

    counted = ("events_found", "false_alarms", "precision", "recall", "median_delay_s")
    assert expected == tuple(figures[name] for name in counted)


def test_false_alarms_are_told_by_the_week():
    week = 7 * 24 * 60
    figures = scored("." * week, "1" + "0" * (week - 2) + "2")

    assert 2.0 == pytest.approx(figures["false_alarms_per_week"], rel=0.01)


def test_an_event_that_the_file_ends_in_counts():
    assert [(0, 1), (3, 3)] == runs([True, True, False, True])


@pytest.fixture
def recording(tmp_path):
    """Two days of learning, then a pH that falls for twenty minutes."""
    chance = random.Random(1)
    path = tmp_path / "water.csv"
    lines = ["time_utc,pH,Trueb,Fm,Tp,Note,EVENT"]
    for minute in range(3200):
        is_event = 3000 <= minute < 3020
        ph = 7.4 - 0.4 * is_event + chance.uniform(-0.01, 0.01)
        at = f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
        lines.append(f"{at},{ph:.3f},0.8,{11 + chance.random():.1f},NA,calm,{int(is_event)}")
    path.write_text("\n".join(lines))
    return path


def test_an_event_is_found_and_told_as_json(recording, capsys):
    main([str(recording), "--label", "EVENT", "--json"])

    figures = json.loads(capsys.readouterr().out)
    assert (1, 1, 0) == (figures["events"], figures["events_found"], figures["false_alarms"])
    assert figures["f1"] > 0.8
    assert 0 < figures["median_delay_s"] <= 300


@pytest.mark.parametrize(
    ("parameters", "quality", "flows"),
    [
        ((), ("pH", "Trueb"), ("Fm",)),
        (("turbidity", "flow"), ("Trueb",), ("Fm",)),
        (("pH",), ("pH",), ()),
    ],
)
def test_columns_go_by_their_names_and_by_ours(recording, parameters, quality, flows):
    columns = read(recording, label="EVENT", parameters=parameters).columns

    assert (quality, flows) == (columns.quality, columns.flows)


@pytest.mark.parametrize("wrong", [["--label", "EVENTS"], ["--label", "EVENT", "--parameters", "chlorine"]])
def test_a_column_that_is_not_there_is_refused(recording, wrong):
    with pytest.raises(SystemExit, match=r"EVENTS|chlorine"):
        main([str(recording), *wrong])


def test_events_are_put_in_where_there_are_none(recording, capsys):
    main([str(recording), "--inject", "ph", "--json"])

    figures = json.loads(capsys.readouterr().out)
    assert figures["size_5"]["events"] > 0
    assert figures["called_per_week_as_it_is"] > 0  # its own event, which nobody labelled


def test_many_points_are_measured(capsys):
    main(["--points", "3", "--json"])

    assert json.loads(capsys.readouterr().out)["us_per_observation"] > 0

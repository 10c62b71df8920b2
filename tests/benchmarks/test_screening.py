"""The benchmark of screening on a recording that we can count through by hand."""

import json

import pytest

from benchmarks.screening import main

HEAD = "datetime,temp,temp_qual,ph,ph_qual,turb,turb_qual\n"


@pytest.fixture
def recording(tmp_path):
    """Four days of quiet water; a pH spike that was labelled, a turbidity spike that was not."""
    rows = []
    for at in range(400):
        ph = 8.9 if at == 100 else 7.4 + at % 3 / 100
        turbidity = 300.0 if at == 200 else 2.0 + at % 5 / 10
        labels = ("1" if at == 100 else "NULL", "1" if at == 300 else "NULL")
        taken_at = f"2019-01-{1 + at // 96:02} {at % 96 // 4:02}:{at % 4 * 15:02}"
        rows.append(f"{taken_at},9.0,NULL,{ph},{labels[0]},{turbidity},{labels[1]}")
    path = tmp_path / "site.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def told(capsys, *arguments):
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_what_is_found_missed_and_called_for_nothing_is_counted(recording, capsys):
    figures = told(capsys, recording)

    assert (figures["ph"]["segments"], figures["ph"]["segments_found"]) == (1, 1)
    assert figures["ph"]["false_flags"] == 0
    assert (figures["turb"]["segments"], figures["turb"]["segments_found"]) == (1, 0)
    assert figures["turb"]["false_flags"] == 1


def test_what_was_learned_is_written_and_used_again(recording, tmp_path, capsys):
    learned = told(capsys, recording, "--learn", recording, "--write", tmp_path / "learned.json")

    assert told(capsys, recording, "--settings", tmp_path / "learned.json")["ph"] == learned["ph"]
    assert learned["ph"]["segments_found"] == 1


def test_the_cost_is_told(capsys):
    assert told(capsys, "--cost")["cpu_us_per_observation"] > 0

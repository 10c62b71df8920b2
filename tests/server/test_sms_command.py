"""`tskaro sms` as an administrator types it."""

import json

from alerts.ports import Kind
from alerts.segments import segments
from tests.fakes.programs import TSKARO, run
from waterquality.languages import Language


def test_every_text_can_be_looked_at_with_what_it_costs() -> None:
    done = run(TSKARO, "sms", "preview", "--all", "--json")

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {(row["language"], row["kind"], row["latin"], row["widest"]) for row in rows} == {
        (language, kind, latin, widest)
        for language in Language
        for kind in Kind
        for latin in (False, True)
        for widest in (False, True)
    }
    for row in rows:
        counted = segments(row["text"])
        assert (row["encoding"], row["units"], row["segments"]) == (counted.encoding, counted.units, 1)
        assert row["whole"] is True


def test_a_short_name_can_be_tried_before_it_is_entered() -> None:
    words = ("sms", "preview", "--language", "ka", "--kind", "ph_out", "--json", "--name")

    (row,) = json.loads(run(TSKARO, *words, "კაზრეთი").stdout)
    refused = run(TSKARO, *words, "კაზრეთის დიდი წყარო სკოლასთან")

    assert row["text"].startswith("კაზრეთი: pH 9.1")
    assert (refused.returncode, refused.stdout) == (78, "")
    assert "at most 21" in refused.stderr


def test_a_kind_that_does_not_exist_is_told_with_those_that_do() -> None:
    refused = run(TSKARO, "sms", "preview", "--kind", "boil")

    assert (refused.returncode, refused.stdout) == (78, "")
    assert "turbidity_high, ph_out" in refused.stderr


def test_a_person_reads_a_table() -> None:
    shown = run(TSKARO, "sms", "preview", "--language", "en", env={"COLUMNS": "160"}).stdout

    assert "Algeti-3: device is responding again (14:05)." in shown
    assert "45/160" in shown
    assert f"texts: {len(Kind)} of 1 segment" in shown

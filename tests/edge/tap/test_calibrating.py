"""The guided calibration from the first question to the certificate; probes settle, are worn, or mixed up."""

from datetime import date
from pathlib import Path

import pytest

from edge.certificates import CertificateFolder
from edge.practice import Lesson
from edge.tap.bench import GaveUp
from edge.tap.calibrating import calibrate
from edge.tap.rechecking import recheck
from firmware_config.parts import CalibrationCertificate
from tests.edge.tap.at_the_tap import ScriptedConsole, bench
from waterquality.languages import Language
from waterquality.parameters import Parameter

ENTER = ""
PH = ("Nino", "25", "7,00", "7-118", ENTER, "4", "4-093", ENTER, "no")


def only(folder: Path) -> CalibrationCertificate:
    (page,) = CertificateFolder(folder).pages()
    assert page.certificate is not None
    return page.certificate


def test_a_sound_electrode_is_led_to_its_certificate(tmp_path: Path) -> None:
    console = ScriptedConsole(*PH, "yes")
    with bench(console, Parameter.PH, tmp_path) as at:
        calibrate(at)

    made = only(tmp_path)
    assert console.left == []
    assert (made.id, made.made_by, made.made_on) == ("kk-0007-ph-2025-11-23", "Nino", date(2025, 11, 23))
    assert made.expires_on == date(2025, 12, 23)
    assert made.standards == ("7 pH, lot 7-118", "4 pH, lot 4-093")
    assert made.slope_percent == pytest.approx(97.0, abs=0.3)
    assert made.offset_mv == pytest.approx(2.0, abs=0.4)
    assert [value for _, value in made.points] == [7.0, 4.0]
    for shown in ("Steady at", "slope", f"{made.slope_percent:.1f} %", "offset", "trusted until", "Kept."):
        assert shown in console.words()


def test_what_is_not_wanted_is_not_kept(tmp_path: Path) -> None:
    console = ScriptedConsole(*PH, "no")
    with bench(console, Parameter.PH, tmp_path) as at, pytest.raises(GaveUp):
        calibrate(at)

    assert CertificateFolder(tmp_path).pages() == ()


def test_a_worn_electrode_gets_no_certificate_and_the_number(tmp_path: Path) -> None:
    console = ScriptedConsole(*PH)
    with bench(console, Parameter.PH, tmp_path, lesson=Lesson.WORN) as at, pytest.raises(GaveUp):
        calibrate(at)

    assert CertificateFolder(tmp_path).pages() == ()
    assert "The slope is 74." in console.words() or "The slope is 73." in console.words()
    assert "No certificate was made" in console.words()


def test_mixed_up_bottles_are_told_at_the_first_dip_and_may_be_tried_again(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "25", "7", "-", ENTER, "yes", ENTER, "no")
    with bench(console, Parameter.PH, tmp_path, lesson=Lesson.MIXED_UP) as at, pytest.raises(GaveUp):
        calibrate(at)

    assert console.left == []
    assert console.words().count("is what buffer 4.00 gives; buffer 7.00 should give about 1.500 V") == 2


def test_turbidity_takes_its_standards(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "20", "0", "-", ENTER, "1000", "F-2291", ENTER, "no", "yes")
    with bench(console, Parameter.TURBIDITY, tmp_path) as at:
        calibrate(at)

    made = only(tmp_path)
    assert made.standards == ("0 NTU, lot -", "1000 NTU, lot F-2291")
    assert made.points[0][0] == pytest.approx(4.12, abs=0.005)
    assert made.slope_percent is None


def test_three_buckets_make_a_meters_certificate_and_no_key_is_pressed_with_wet_hands(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "bucket, weighed", *("10", ENTER) * 3, "yes")
    with bench(console, Parameter.FLOW, tmp_path) as at:
        calibrate(at)

    made = only(tmp_path)
    assert made.pulses_per_litre == 462.0
    assert made.points == ((0.0, 0.0), (13_860.0, 30.0))


def test_an_answer_that_is_no_number_is_asked_for_again(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "warm", "25", *PH[2:], "maybe", "yes")
    with bench(console, Parameter.PH, tmp_path) as at:
        calibrate(at)

    assert "This is not a number." in console.words()
    assert only(tmp_path)


def test_where_the_clock_is_unsure_the_day_is_asked_for(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "no")
    with bench(console, Parameter.PH, tmp_path, is_synchronised=False) as at, pytest.raises(GaveUp):
        calibrate(at)

    assert "Is today 2025-11-23?" in console.words()


def test_a_recheck_bounds_the_drift_back_to_the_certificate(tmp_path: Path) -> None:
    console = ScriptedConsole("Nino", "7", "7-118", ENTER, ENTER)
    with bench(console, Parameter.PH, tmp_path) as at:
        recheck(at)

    (page,) = CertificateFolder(tmp_path).pages()
    found = page.recheck
    assert found is not None
    assert (found.certificate, found.from_day, found.to_day) == (
        "practice-ph",
        date(2025, 10, 24),
        date(2025, 11, 23),
    )
    assert found.error_before == pytest.approx(-0.017, abs=0.02)  # 1.506 V by a line through 1.503 V at 7
    assert abs(found.drift) < 0.02
    assert "the certificate stands" in console.words()


def test_the_next_recheck_reaches_back_to_the_one_before(tmp_path: Path) -> None:
    for _ in range(2):
        with bench(ScriptedConsole("Nino", "7", "-", ENTER, ENTER), Parameter.PH, tmp_path) as at:
            recheck(at)

    first, second = (page.recheck for page in CertificateFolder(tmp_path).pages())
    assert first is not None
    assert second is not None
    assert (first.from_day, second.from_day) == (date(2025, 10, 24), first.to_day)


@pytest.mark.parametrize("language", list(Language))
def test_it_is_guided_in_every_language(tmp_path: Path, language: Language) -> None:
    console = ScriptedConsole(*PH[:-1], "n", "y")
    with bench(console, Parameter.PH, tmp_path, language=language) as at:
        calibrate(at)

    assert only(tmp_path).made_by == "Nino"
    assert "%(" not in console.read()
    if language is not Language.EN:
        for english in ("Standard", "lot number", "Press Enter", "Steady", "trusted"):
            assert english not in console.read()

"""What gets a certificate, and what is refused with the numbers."""

from datetime import date

import pytest

from edge.calibrating.electrode import Dip
from edge.calibrating.judging import Occasion, Run, Standard, judge_flow, judge_volts, why_wrong_standard
from edge.certificates import fits
from firmware_config.catalogues import Phrase
from firmware_config.datasheet import load
from firmware_config.parts import CalibrationCertificate, CurveKind, ProbeConfig

PH, MUD, CLEAR, TURBINE = map(load, ("sen0161-v2", "sen0189", "analog-nephelometer", "yf-s201"))
TODAY = Occasion(device="kk-0007", made_by="N. Beridze", made_on=date(2026, 11, 24), trusted_days=30)
WIRES = {"input": {"converter": "adc0", "channel": 0}}


def certified(judged: CalibrationCertificate | Phrase) -> CalibrationCertificate:
    assert isinstance(judged, CalibrationCertificate), judged
    return judged


def refused(judged: CalibrationCertificate | Phrase) -> Phrase:
    assert isinstance(judged, Phrase), judged
    return judged


def test_a_sound_electrode_gets_a_certificate_with_all_there_is_to_say() -> None:
    made = certified(
        judge_volts(
            [Dip(7.0, 1.497), Dip(4.01, 2.021)],
            [Standard(7.0, "7-118"), Standard(4.01, "4-093")],
            20.0,
            PH,
            TODAY,
        )
    )

    assert made.id == "kk-0007-ph-2026-11-24"
    assert (made.made_by, made.made_on, made.expires_on) == (
        "N. Beridze",
        date(2026, 11, 24),
        date(2026, 12, 24),
    )
    assert made.kind is CurveKind.LINEAR
    assert made.points == ((1.497, 7.0), (2.021, 4.01))
    assert made.standards == ("7 pH, lot 7-118", "4.01 pH, lot 4-093")
    assert made.slope_percent == pytest.approx(100.4, abs=0.1)
    assert (made.offset_mv, made.temperature_c) == (-1.0, 20.0)
    assert fits(made, ProbeConfig.model_validate({"parameter": "ph", "model": PH.model, **WIRES}))


def test_a_worn_electrode_is_refused_with_its_slope() -> None:
    why = refused(
        judge_volts([Dip(7.0, 1.5), Dip(4.0, 1.9)], [Standard(7, ""), Standard(4, "")], 25.0, PH, TODAY)
    )

    assert why.values["slope"] == pytest.approx(75.1, abs=0.1)


def test_the_second_certificate_of_a_day_has_an_id_of_its_own() -> None:
    first = "kk-0007-ph-2026-11-24"
    occasion = Occasion(
        device="kk-0007",
        made_by="N",
        made_on=date(2026, 11, 24),
        taken=frozenset({first, f"{first}-2"}),
        trusted_days=30,
    )

    made = judge_volts(
        [Dip(7.0, 1.5), Dip(4.0, 2.03)], [Standard(7, "a"), Standard(4, "b")], 25.0, PH, occasion
    )

    assert certified(made).id == f"{first}-3"


def test_an_indicative_probe_gets_a_table_and_a_nephelometer_a_line() -> None:
    mud = judge_volts(
        [Dip(0.0, 4.1), Dip(1000.0, 3.8)], [Standard(0, ""), Standard(1000, "f")], 20.0, MUD, TODAY
    )
    clear = judge_volts(
        [Dip(0.0, 0.01), Dip(40.0, 1.2)], [Standard(0, ""), Standard(40, "f")], 20.0, CLEAR, TODAY
    )

    assert certified(mud).kind is CurveKind.TABLE
    assert certified(clear).kind is CurveKind.LINEAR
    assert certified(mud).slope_percent is None


@pytest.mark.parametrize(
    ("sheet", "dip", "before", "word"),
    [
        (MUD, Dip(100.0, 4.2), [Dip(0.0, 4.1)], "wrong way"),
        (MUD, Dip(100.0, 4.1), [Dip(0.0, 4.1)], "wrong way"),
        (CLEAR, Dip(0.0, 1.2), [Dip(40.0, 0.9)], "wrong way"),
        (MUD, Dip(0.0, 0.05), [], "look at the plug"),
        (PH, Dip(7.0, 3.2), [], "look at the plug"),
        (PH, Dip(7.0, 2.03), [], "mixed up"),
    ],
)
def test_what_no_standard_can_show_is_refused(sheet, dip, before, word) -> None:
    why = why_wrong_standard(dip, before, 25.0, sheet)

    assert why is not None
    assert word in why.text
    assert dip.volts in why.values.values()


def test_what_a_standard_can_show_is_taken() -> None:
    assert why_wrong_standard(Dip(1000.0, 3.8), [Dip(0.0, 4.1)], 20.0, MUD) is None
    assert why_wrong_standard(Dip(7.0, 1.5), [], 20.0, PH) is None


def test_a_meters_runs_are_counted_together() -> None:
    made = certified(judge_flow([Run(10.0, 4498), Run(10.0, 4521)], "bucket, weighed", TURBINE, TODAY))

    assert made.points == ((0.0, 0.0), (9019.0, 20.0))
    assert made.pulses_per_litre == pytest.approx(450.95)
    assert made.note == "10 L gave 4498 pulses; 10 L gave 4521 pulses"
    assert made.standards == ("bucket, weighed",)


@pytest.mark.parametrize(
    ("runs", "word", "number"),
    [
        ([Run(10.0, 0)], "too few", 0),
        ([Run(10.0, 19)], "too few", 19),
        ([Run(10.0, 75 * 10 // 10)], "impossible", 7.5),
        ([Run(10.0, 9_100)], "impossible", 910.0),
        ([Run(10.0, 4500), Run(10.0, 4800)], "disagree", 450.0),
    ],
)
def test_a_meter_that_cannot_be_right_is_refused_with_the_number(runs, word, number) -> None:
    why = refused(judge_flow(runs, "bucket", TURBINE, TODAY))

    assert word in why.text
    assert number in why.values.values()

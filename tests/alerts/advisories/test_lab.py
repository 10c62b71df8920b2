"""What laboratories write, and how it stands against a limit."""

import pytest

from alerts.advisories.lab import (
    LabLimit,
    LabParameter,
    Measured,
    Verdict,
    chemical_findings,
    judge,
    measured,
)
from tests.alerts.advisories.cases import NOW, bad_sample, result

NONE_FOUND, TURBID, PH = LabLimit(None, 0, "who"), LabLimit(None, 4, "who"), LabLimit(6, 9, "ge")


@pytest.mark.parametrize(
    ("written", "limit", "verdict"),
    [
        (Measured(0), NONE_FOUND, Verdict.CLEAR),
        (Measured(1), NONE_FOUND, Verdict.BAD),
        (Measured(1, "<"), NONE_FOUND, Verdict.CLEAR),  # how a laboratory writes "none found"
        (Measured(10, "<"), NONE_FOUND, Verdict.UNDECIDED),  # it could not have shown fewer
        (Measured(200, ">"), NONE_FOUND, Verdict.BAD),
        (Measured(4), TURBID, Verdict.CLEAR),
        (Measured(4.01), TURBID, Verdict.BAD),
        (Measured(5, "<"), TURBID, Verdict.UNDECIDED),
        (Measured(3, ">"), TURBID, Verdict.UNDECIDED),
        (Measured(4, ">"), TURBID, Verdict.BAD),
        (Measured(5.99), PH, Verdict.BAD),
        (Measured(6), PH, Verdict.CLEAR),
        (Measured(6, "<"), PH, Verdict.BAD),
        (Measured(7, "<"), PH, Verdict.UNDECIDED),
    ],
)
def test_a_value_against_its_limit(written: Measured, limit: LabLimit, verdict: Verdict) -> None:
    assert judge(written, limit) is verdict


@pytest.mark.parametrize(
    ("text", "parameter", "unit", "read"),
    [
        ("<1", "e_coli", "CFU/100mL", Measured(1, "<")),
        ("> 200", "coliforms", "MPN/100mL", Measured(200, ">")),
        ("0,35", "turbidity", "NTU", Measured(0.35)),
        ("12", "lead", "ug/L", Measured(0.012)),
        ("0", "e_coli", "CFU/100mL", Measured(0)),
    ],
)
def test_a_value_is_read_as_a_laboratory_writes_it(
    text: str, parameter: str, unit: str, read: Measured
) -> None:
    assert measured(text, LabParameter(parameter), unit) == read


@pytest.mark.parametrize(
    ("text", "parameter", "unit", "said"),
    [
        ("none", "e_coli", "CFU/100mL", "write 3, <1 or >200"),
        ("-1", "turbidity", "NTU", "is no value"),
        ("3", "e_coli", "NTU", "CFU/100mL or MPN/100mL"),
        ("3", "e_coli", "CFU/mL", "not in 'CFU/mL'"),
    ],
)
def test_what_is_no_value_or_unit_is_refused(text: str, parameter: str, unit: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        measured(text, LabParameter(parameter), unit)


def test_what_boiling_does_not_remove_is_a_finding_and_microbes_are_not() -> None:
    results = (*bad_sample(1), result(LabParameter.COPPER, 5.0, after_h=1))

    assert chemical_findings(results, NOW) == ("a laboratory found copper beyond its limit",)

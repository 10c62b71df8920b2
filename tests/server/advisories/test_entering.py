"""Laboratory results from files and from hand, and what the database makes of them."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.advisories.lab import LabParameter, Verdict
from alerts.advisories.lab_limits import shipped_limits
from server.advisories.entering import read_results, result_from
from server.advisories.laboratory import add_result, results, void_result
from server.database.engine import Database
from tests.alerts.advisories.cases import NOW, result
from tests.server.advisories.village import Village
from waterquality.errors import ConfigError

HEAD = "water_point,taken_at,laboratory,parameter,value,unit,certificate"
GOOD = "sadakhlo,2026-11-19T10:30,NFA Tbilisi,e_coli,<1,CFU/100mL,A-17"
SAID = dict(zip(HEAD.split(","), GOOD.split(","), strict=True))


def written(tmp_path: Path, *lines: str, head: str = HEAD) -> Path:
    path = tmp_path / "results.csv"
    path.write_text("\n".join([head, *lines]), encoding="utf-8")
    return path


def test_a_file_is_read_with_times_of_tbilisi_and_the_limits_that_ship(tmp_path: Path) -> None:
    ((point, read),) = read_results(written(tmp_path, GOOD), "Nino")

    assert (point, read.parameter, read.entered_by) == ("sadakhlo", LabParameter.E_COLI, "Nino")
    assert read.taken_at.isoformat() == "2026-11-19T10:30:00+04:00"
    assert (read.limit.high, read.limit.authority, read.verdict) == (0.0, "who-gdwq", Verdict.CLEAR)


def test_a_file_with_a_wrong_line_is_refused_as_a_whole_with_every_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        GOOD,
        GOOD.replace("e_coli", "ecoli"),
        GOOD.replace("<1", "few"),
        GOOD.replace("2026-11-19T10:30", "yesterday"),
        GOOD.replace("A-17", ""),
        GOOD + ",x",
        GOOD.replace("sadakhlo", ""),
        GOOD.replace("e_coli,<1,CFU/100mL", "zinc,1,mg/L"),
    )

    with pytest.raises(ConfigError) as refused:
        read_results(path, "Nino")

    said = str(refused.value)
    for line in range(3, 10):
        assert f"line {line}:" in said
    assert "line 2:" not in said
    assert "nothing was taken in" in said


@pytest.mark.parametrize(("head", "lines"), [(HEAD, []), ("water_point,value", ["sadakhlo,1"])])
def test_a_file_without_rows_or_columns_says_what_it_needs(
    tmp_path: Path, head: str, lines: list[str]
) -> None:
    with pytest.raises(ConfigError, match="needs the columns water_point, taken_at"):
        read_results(written(tmp_path, *lines, head=head), "Nino")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_results(tmp_path / "nowhere.csv", "Nino")


def test_a_limit_that_is_named_needs_its_authority() -> None:
    zinc = SAID | {"parameter": "zinc", "value": "4", "unit": "mg/L", "high": "3"}
    with pytest.raises(ValueError, match="authority"):
        result_from(zinc, "Nino")
    assert result_from(zinc | {"authority": "ge-58-2014"}, "Nino").verdict is Verdict.BAD


def test_every_limit_that_ships_has_an_authority_and_a_source_and_none_is_confirmed_yet() -> None:
    for limit in shipped_limits().values():
        assert limit.authority
        assert limit.source
        assert limit.verified_by == ""


@pytest.fixture
def village(database: Database) -> Village:
    return Village(database)


def test_the_same_result_again_changes_nothing_and_another_value_is_refused(village: Village) -> None:
    one = result(LabParameter.E_COLI, 3, after_h=-1)
    with village.database.writing() as connection:
        assert add_result(connection, "sadakhlo", one, NOW)
        assert not add_result(connection, "sadakhlo", one, NOW)
        with pytest.raises(ConfigError, match="tskaro lab void 1"):
            add_result(connection, "sadakhlo", result(LabParameter.E_COLI, 0, after_h=-1), NOW)
        with pytest.raises(ConfigError, match="from the future"):
            add_result(connection, "sadakhlo", result(LabParameter.E_COLI, 0, after_h=1), NOW)
        with pytest.raises(ConfigError, match="no water point"):
            add_result(connection, "nowhere", one, NOW)
        assert [kept.result for kept in results(connection)] == [one]


def test_a_wrong_entry_is_voided_kept_and_can_be_written_anew(village: Village) -> None:
    wrong, right = (result(LabParameter.E_COLI, value, after_h=-1) for value in (3, 0))
    with village.database.writing() as connection:
        add_result(connection, "sadakhlo", wrong, NOW)
        void_result(connection, 1, "Nino", "misread", NOW)
        assert add_result(connection, "sadakhlo", right, NOW + timedelta(minutes=1))
        with pytest.raises(ConfigError, match="none that counts"):
            void_result(connection, 1, "Nino", "again", NOW)

        assert [kept.result for kept in results(connection, "sadakhlo")] == [right]
        first = results(connection, with_voided=True)[0]
        assert (first.voided_by, first.void_reason) == ("Nino", "misread")

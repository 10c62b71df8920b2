"""Lists of people: good rows go in, bad ones come back with what to do, and the same again changes nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.database.engine import Database
from server.database.people_models import ConsentRow, Person, Subscription
from server.registry.consent import opt_out
from server.registry.forgetting import forget
from server.registry.people import people
from server.registry.people_import import Fate, Report, import_people
from server.registry.people_sheet import read_sheet, write_bad_rows
from server.registry.roll import listed
from server.registry.writing import NewWaterPoint, add_municipality, add_water_point
from waterquality.errors import ConfigError
from waterquality.languages import Language

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
HEADER = "name,phone,language,role,municipalities,consent_on,consent_wording"
NINO = 'ნინო კაპანაძე,555 00 01 01,ka,cso,marneuli,2026-10-01,"დიახ, მომწერეთ."'
LEYLA = "Aygün Məmmədova,+995555000102,az,cso,marneuli,01.10.2026,Bəli"


@pytest.fixture
def database(database: Database) -> Database:
    """On both kinds, with a municipality and a water point."""
    names = {Language.EN: "Algeti"}
    with database.writing() as connection:
        add_municipality(connection, "marneuli", {Language.EN: "Marneuli"})
        point = NewWaterPoint(
            id="algeti", municipality="marneuli", names=names, sms_names=names, lat=41.4, lon=44.8
        )
        add_water_point(connection, point)
    return database


def imported(
    database: Database, folder: Path, *lines: str, wording: str = "", encoding: str = "utf-8"
) -> Report:
    path = folder / "people.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    with database.writing() as connection:
        return import_people(connection, read_sheet(path), wording=wording, now=NOW)


def rows(database: Database) -> list[int]:
    with database.reading() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (Person, Subscription, ConsentRow)
        ]


def known(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        return {name: person.phone for name, person in people(connection).items()}


def test_a_list_goes_in_and_the_same_list_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    first = imported(database, tmp_path, HEADER, NINO, LEYLA)
    once = rows(database), known(database)
    second = imported(database, tmp_path, HEADER, NINO, LEYLA)

    assert (first.count(Fate.NEW), first.bad, first.remarks) == (2, [], [])
    assert known(database) == {"nino-kapanadze": "+995555000101", "aygun-memmedova": "+995555000102"}
    assert (second.count(Fate.UNCHANGED), second.bad) == (2, [])
    assert (rows(database), known(database)) == once
    with database.reading() as connection:
        said = listed(connection, "nino-kapanadze").said
    assert [(each.wording, each.source) for each in said] == [("დიახ, მომწერეთ.", "import")]


@pytest.mark.parametrize(
    ("cells", "column", "what"),
    [
        pytest.param({"phone": "555 12"}, "phone", "nine digits", id="a number too short"),
        pytest.param({"phone": "032 2 12 34 56"}, "phone", "give a mobile one", id="a landline"),
        pytest.param({"phone": "9.95556E+11"}, "phone", "rounded", id="a number that a spreadsheet spoilt"),
        pytest.param({"phone": ""}, "phone", "is missing", id="no number"),
        pytest.param({"language": "fr"}, "language", "should be 'ka'", id="a language we do not write"),
        pytest.param({"language": ""}, "language", "is required", id="no language"),
        pytest.param({"role": "mayor"}, "role", "should be 'cso'", id="a role there is not"),
        pytest.param(
            {"municipalities": "atlantis"}, "municipalities", "there are marneuli", id="no such place"
        ),
        pytest.param({"municipalities": ""}, "water_points", "hears of nothing", id="hears of nothing"),
        pytest.param(
            {"water_points": "algeti;nowhere"}, "water_points", "there are algeti", id="one of two places"
        ),
        pytest.param({"tier": "4"}, "tier", "less than or equal to 3", id="a tier there is not"),
        pytest.param({"quiet_begin": "22:00"}, "quiet_end", "is required", id="half the quiet hours"),
        pytest.param(
            {"quiet_begin": "25:00", "quiet_end": "7:00"}, "quiet_begin", "time", id="an hour there is not"
        ),
        pytest.param(
            {"quiet_begin": "07:00", "quiet_end": "07:00"},
            "quiet_begin",
            "none, or all day",
            id="a day of quiet",
        ),
        pytest.param({"latin": "perhaps"}, "latin", "boolean", id="neither yes nor no"),
        pytest.param(
            {"least_severity": "awful"}, "least_severity", "should be", id="a severity there is not"
        ),
        pytest.param({"consent_on": "2026-10-01"}, "consent_wording", "is required", id="consent to nothing"),
        pytest.param({"consent_wording": "yes"}, "consent_on", "is required", id="consent on no day"),
        pytest.param(
            {"consent_on": "soon", "consent_wording": "yes"}, "consent_on", "date", id="a day that is none"
        ),
        pytest.param(
            {"consent_on": "2027-01-01", "consent_wording": "yes"}, "consent_on", "future", id="a day to come"
        ),
        pytest.param({"phone": "555000101"}, "phone", "nino-kapanadze already", id="the number of another"),
    ],
)
def test_a_bad_row_says_which_column_and_what_to_do_and_keeps_no_good_one_out(
    database: Database, tmp_path: Path, cells: dict[str, str], column: str, what: str
) -> None:
    usual = {"id": "giorgi", "name": "Giorgi", "phone": "555 00 01 03", "language": "ka", "role": "cso"}
    written = usual | {"municipalities": "marneuli"} | cells
    good = {"id": "", "name": "Nino Kapanadze", "phone": "555000101", "language": "ka", "role": "cso"}
    columns = list(written)
    lines = [",".join((good | {"municipalities": "marneuli"}).get(name, "") for name in columns)]
    lines.append(",".join(written[name] for name in columns))

    report = imported(database, tmp_path, ",".join(columns), *lines)

    assert [(told.row, told.column) for told in report.bad] == [(3, column)]
    assert what in report.bad[0].what
    assert report.fates == {2: Fate.NEW, 3: Fate.BAD}
    assert list(known(database)) == ["nino-kapanadze"]


def test_a_bad_row_comes_back_mended(database: Database, tmp_path: Path) -> None:
    mended, bad = tmp_path / "mended.csv", LEYLA.replace("+995555000102", "12")
    report = imported(database, tmp_path, HEADER + ",problem", NINO, bad, "", 'Ana,34,ka,cso,"marneuli",,')
    sheet = read_sheet(tmp_path / "people.csv")

    write_bad_rows(mended, sheet, report.problems())

    text = mended.read_text("utf-8-sig")
    assert [told.row for told in report.bad] == [3, 5]
    assert text.splitlines()[0] == HEADER + ",problem"
    assert "phone: no telephone has such a number" in text
    assert "ნინო" not in text
    mended.write_text(text.replace(",12,", ",555000102,").replace(",34,", ",555000104,"))
    with database.writing() as connection:
        again = import_people(connection, read_sheet(mended), wording="", now=NOW)
    assert (again.count(Fate.NEW), again.bad) == (2, [])
    assert mended.stat().st_mode & 0o077 == 0


def test_no_reason_holds_a_number_or_what_stood_in_the_cell(database: Database, tmp_path: Path) -> None:
    report = imported(
        database, tmp_path, HEADER, NINO, "Ana,555000101x9,secret,cso,marneuli,,", "B,12,ka,cso,,,"
    )

    said = repr(report.bad)

    assert len(report.bad) == 2
    assert all(word not in said for word in ("555000101", "secret", "12,"))


def test_an_empty_cell_changes_nothing_of_somebody_known(database: Database, tmp_path: Path) -> None:
    header = "name,phone,language,role,water_points,tier,quiet_begin,quiet_end,latin,least_severity"
    imported(database, tmp_path, header, "Nino,555000101,ka,cso,algeti,2,22:00,7:00,yes,critical")

    report = imported(database, tmp_path, header, "Nino,555000101,ru,cso,,,,,,")

    assert report.fates == {2: Fate.CHANGED}
    with database.reading() as connection:
        person = people(connection)["nino"]
    assert (person.language, person.tier, person.is_latin, person.least) == (Language.RU, 2, True, "critical")
    assert (person.water_points, f"{person.quiet and person.quiet.begin:%H:%M}") == (("algeti",), "22:00")


def test_who_has_opted_out_stays_out_and_that_is_told(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, HEADER, NINO)
    with database.writing() as connection:
        opt_out(connection, "nino-kapanadze", at=NOW, source="test", now_ms=1)

    report = imported(database, tmp_path, HEADER, NINO.replace("2026-10-01", "2026-11-20"))

    assert [(told.row, told.column) for told in report.remarks] == [(2, "consent_on")]
    assert "stays out" in report.remarks[0].what
    with database.reading() as connection:
        assert not listed(connection, "nino-kapanadze").gets_texts


def test_a_list_brings_back_nobody_who_was_forgotten(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, HEADER, NINO, LEYLA)
    with database.writing() as connection:
        forget(connection, "nino-kapanadze", now=NOW)

    report = imported(database, tmp_path, HEADER, NINO, LEYLA)

    assert report.fates == {2: Fate.BAD, 3: Fate.UNCHANGED}
    assert "was forgotten on 2026-11-20" in report.bad[0].what
    assert list(known(database)) == ["aygun-memmedova"]


def test_what_should_be_known_of_a_good_row_is_told(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, HEADER, "Ana,555000104,ka,cso,marneuli,,")

    report = imported(database, tmp_path, HEADER, "Ana,+37491123456,hy,cso,marneuli,,")

    told = {remark.column: remark.what for remark in report.remarks}
    assert report.count(Fate.NEW) == 1
    assert "another country (AM)" in told["phone"]
    assert "tskaro people edit ana --phone" in told["name"]
    assert "gets no texts" in told["consent_on"]


def test_the_same_person_twice_in_a_list_is_told(database: Database, tmp_path: Path) -> None:
    report = imported(database, tmp_path, HEADER, NINO, NINO)

    assert report.fates == {2: Fate.NEW, 3: Fate.BAD}
    assert "row 2" in report.bad[0].what


def test_one_wording_may_stand_for_every_row_that_has_a_day(database: Database, tmp_path: Path) -> None:
    header = HEADER.removesuffix(",consent_wording")
    imported(database, tmp_path, header, "Ana,555000104,ka,cso,marneuli,2026-10-01", wording="დიახ\n")

    with database.reading() as connection:
        assert [said.wording for said in listed(connection, "ana").said] == ["დიახ\n"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_is_read_however_a_spreadsheet_saves_it(
    database: Database, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    lines = [f"{HEADER.removesuffix(',consent_on,consent_wording')}", "ნინო,555000101,KA,cso,marneuli"]

    report = imported(
        database, tmp_path, "", *(line.replace(",", delimiter) for line in lines), encoding=encoding
    )

    assert report.fates == {3: Fate.NEW}
    assert known(database) == {"nino": "+995555000101"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "column 'name' is missing", id="nothing"),
        pytest.param(b"name,fone,language,role", "did you mean `phone`", id="a misspelt column"),
        pytest.param(b"name,name,phone,language,role", "stands twice", id="a column twice"),
        pytest.param("name,phone,language,role\nნინო".encode("utf-16-le"), "CSV UTF-8", id="other letters"),
        pytest.param(b'name,phone,language,role\n"Nino', "CSV UTF-8", id="a quote that never ends"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as refused:
        read_sheet(path)

    assert words in str(refused.value)

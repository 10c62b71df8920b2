import gzip
import tracemalloc
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from demo.cells import Flaw
from demo.columns import parse_mapping
from demo.recorded import BadRow, RecordedRow, open_recording
from waterquality.errors import ConfigError
from waterquality.parameters import Parameter

DENVER, MOUNTAIN_STANDARD = ZoneInfo("America/Denver"), ZoneInfo("Etc/GMT+7")


@pytest.fixture
def recording(tmp_path):
    def opened(text, *maps, time="time", tz=None, missing=()):
        path = tmp_path / "water.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        mappings = [parse_mapping(text) for text in maps or ("turbidity=ntu:NTU",)]
        return open_recording(path, time_column=time, mappings=mappings, tz=tz, missing=frozenset(missing))

    return opened


def only(rows):
    (row,) = rows
    return row


# ---- opening ----------------------------------------------------------------------------------------------


def test_a_parameter_mapped_twice_is_refused(recording):
    with pytest.raises(ConfigError, match="turbidity is mapped twice, to 'a' and 'b'"):
        recording("time,a,b\n2026-01-01T00:00Z,1,2\n", "turbidity=a:NTU", "turbidity=b:NTU")


def test_nothing_mapped_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--map turbidity=Trueb:NTU"):
        open_recording(tmp_path, time_column="time", mappings=[], tz=None, missing=frozenset())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param("", "nothing in its first line", id="an empty file"),
        pytest.param("\n\n", "nothing in its first line", id="empty lines"),
        pytest.param("time,turb\n", "no column 'ntu'; there are: time, turb", id="another name"),
        pytest.param("date,ntu\n", "no column 'time'; there are: date, ntu", id="no time"),
        pytest.param("time,ntu,ntu\n", "2 columns are called 'ntu'", id="a name twice"),
        pytest.param("time,ntu\n", "no rows below", id="a header alone"),
        pytest.param(
            "time,ntu\n01.02.2026 10:00,1\n", "line 2: .* is no time like", id="times of another form"
        ),
        pytest.param("time,ntu\n2026-01-01 10:00,1\n", "line 2: .* say --tz", id="times without a zone"),
        pytest.param(
            'time,ntu\n2026-01-01T10:00Z,"1,5"\n', "line 2: ntu: .* with a point", id="decimal commas"
        ),
        pytest.param("time,ntu\n1767225600000,1\n", "finer than seconds", id="milliseconds"),
        pytest.param("time,ntu,°C\n".encode("latin-1"), "not UTF-8", id="another encoding"),
        pytest.param(
            gzip.compress(b"time,ntu\n2026-01-01T00:00Z,1\n")[:-9], "cut short or damaged", id="half a gzip"
        ),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_before_anything_is_sent(recording, content, complaint):
    with pytest.raises(ConfigError, match=complaint):
        recording(content)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "gone.csv", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read: "):
            open_recording(
                path, time_column="t", mappings=[parse_mapping("ph=p:pH")], tz=None, missing=frozenset()
            )


def test_one_bad_row_among_the_first_does_not_refuse_the_file(recording):
    rows = list(recording("time,ntu\nyesterday,1\n2026-01-01T00:00Z,2\n").rows())

    assert [type(row) for row in rows] == [BadRow, RecordedRow]


# ---- rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_common_dress_of_csv_is_read(recording, delimiter, end, compress, mark):
    lines = (["time", "note, or so", "pH", "ntu"], ["2026-01-01T00:00Z", "fine; really", "7.1", "0.5"])
    text = end.join(delimiter.join(f'"{cell}"' for cell in line) for line in (*lines, [])) + end

    row = only(recording(compress(mark + text.encode()), "ph=pH:pH", "turbidity=ntu:NTU").rows())

    assert row == RecordedRow(
        2, datetime(2026, 1, 1, tzinfo=UTC), {Parameter.PH: 7.1, Parameter.TURBIDITY: 0.5}
    )


def test_values_come_in_the_units_of_tskaro(recording):
    row = only(
        recording(
            "time,f,v,t\n2026-01-01T00:00Z,3.6,250,11.5\n", "flow=f:m3/h", "volume=v:L", "temperature=t:Cel"
        ).rows()
    )

    assert row.values == pytest.approx(
        {Parameter.FLOW: 60.0, Parameter.VOLUME: 0.25, Parameter.TEMPERATURE: 11.5}
    )


@pytest.mark.parametrize(
    ("written", "tz"),
    [
        ("2026-03-01T06:30:00Z", None),
        ("2026-03-01T06:30Z", None),
        ("2026-03-01 10:30:00+04:00", None),
        ("2026-03-01T10:30", "Asia/Tbilisi"),
        ("2026-03-01 10:30:00.000", "Asia/Tbilisi"),
        ("2026-03-01 06:30:00Z", "Asia/Tbilisi"),
        ("1772346600", None),
        (" 1772346600.0 ", "Asia/Tbilisi"),
    ],
)
def test_one_instant_is_read_however_it_is_written(recording, written, tz):
    opened = recording(f"time,ntu\n{written},1\n", tz=tz and ZoneInfo(tz))

    row = only(opened.rows())

    assert row.taken_at == datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
    assert row.taken_at.tzinfo is UTC


SUMMER_TIME = "time,ntu\n" + "".join(
    f"2026-{day} {hour}:{minute},1\n"
    for day in ("03-08", "11-01")
    for hour in ("00", "01", "02", "03")
    for minute in ("00", "30")
)


def test_local_times_that_name_no_instant_or_two_are_bad_rows(recording):
    bad = [row for row in recording(SUMMER_TIME, tz=DENVER).rows() if isinstance(row, BadRow)]

    assert [(row.line, row.flaw) for row in bad] == [
        (6, Flaw.TIME_SKIPPED),
        (7, Flaw.TIME_SKIPPED),
        (12, Flaw.TIME_AMBIGUOUS),
        (13, Flaw.TIME_AMBIGUOUS),
    ]
    assert "--tz Etc/GMT+7" in bad[0].reason


def test_in_a_zone_without_summer_time_every_local_time_is_good(recording):
    rows = list(recording(SUMMER_TIME, tz=MOUNTAIN_STANDARD).rows())

    assert all(isinstance(row, RecordedRow) for row in rows)
    assert rows[0].taken_at == datetime(2026, 3, 8, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "word", ["", " ", "NULL", "null", "NaN", "NA", "n/a", "-9999", "-9999.0", "-9.999e3", "BAD"]
)
def test_a_word_for_missing_is_no_value_and_no_number(recording, word):
    row = only(recording(f"time,ntu\n2026-01-01T00:00Z,{word}\n", missing=["-9999", "bad"]).rows())

    assert row.values == {Parameter.TURBIDITY: None}


def test_a_number_is_missing_only_where_somebody_said_so(recording):
    row = only(recording("time,ntu\n2026-01-01T00:00Z,-9999\n").rows())

    assert row.values == {Parameter.TURBIDITY: -9999.0}


def test_nought_is_a_value(recording):
    row = only(recording("time,ntu\n2026-01-01T00:00Z,0\n", missing=["-9999"]).rows())

    assert row.values == {Parameter.TURBIDITY: 0.0}


@pytest.mark.parametrize(
    ("line", "flaw", "reason"),
    [
        ("soon,1", Flaw.TIME_UNREADABLE, "'soon' is no time"),
        ("0001-01-01T00:00+14:00,1", Flaw.TIME_UNREADABLE, "is no time"),
        ("2026-01-01T00:02Z,clear", Flaw.NUMBER_UNREADABLE, "ntu: 'clear' is not a number"),
        ("2026-01-01T00:02Z,inf", Flaw.NUMBER_UNREADABLE, "ntu: 'inf' is not a number"),
        ("2026-01-01T00:02Z,1_000", Flaw.NUMBER_UNREADABLE, "ntu: '1_000' is not a number"),
        ("2026-01-01T00:02Z", Flaw.TOO_FEW_COLUMNS, "1 columns where 2 are needed"),
        ("2026-01-01T00:00Z,1", Flaw.TIME_NOT_LATER, "not later than a row before"),
        ("2026-01-01T00:00:00.0004Z,1", Flaw.TIME_NOT_LATER, "not later than a row before"),
        ("2025-12-31T23:59Z,1", Flaw.TIME_NOT_LATER, "not later than a row before"),
        (f"2026-01-01T00:02Z,{'1' * 17_000_000}", Flaw.NOT_CSV, "field larger than field limit"),
    ],
)
def test_a_row_that_cannot_be_used_is_handed_on_with_its_line_and_reason(recording, line, flaw, reason):
    before, bad, after = recording(f"time,ntu\n2026-01-01T00:00Z,1\n{line}\n2026-01-01T00:05Z,2\n").rows()

    assert isinstance(before, RecordedRow)
    assert (bad.line, bad.flaw) == (3, flaw)
    assert reason in bad.reason
    assert (after.line, after.values) == (4, {Parameter.TURBIDITY: 2.0})


def test_empty_lines_are_no_rows_and_lines_keep_their_numbers(recording):
    rows = list(recording("time,ntu\n\n2026-01-01T00:00Z,1\n\n\n2026-01-01T00:01Z,2\n\n").rows())

    assert [row.line for row in rows] == [3, 6]


def test_columns_that_are_not_mapped_are_not_read(recording):
    row = only(recording("time,ntu,what\n2026-01-01T00:00Z,1,not a number at all\n").rows())

    assert row.values == {Parameter.TURBIDITY: 1.0}


def test_the_rows_can_be_read_again_from_the_start(recording):
    opened = recording("time,ntu\n2026-01-01T00:00Z,1\n2026-01-01T00:01Z,2\n")

    assert list(opened.rows()) == list(opened.rows())


def test_the_span_counts_every_row_once(recording):
    span = recording(
        "time,ntu\n2026-01-01T00:00Z,1\n2026-01-01T00:00Z,1\n2026-01-01T00:01Z,\nsoon,1\n2026-01-01T00:02Z,3\n"
    ).span()

    assert (span.first, span.last) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 2, tzinfo=UTC),
    )
    assert span.rows == 3
    assert span.bad == {Flaw.TIME_NOT_LATER: 1, Flaw.TIME_UNREADABLE: 1}
    assert span.missing == {Parameter.TURBIDITY: 1}


def test_a_file_that_is_cut_while_it_is_read_is_refused_and_not_taken_for_its_end(recording):
    text = "time,ntu\n" + "".join(f"{1_767_225_600 + n},{n * 0.37 % 5:.3f}\n" for n in range(30_000))
    opened = recording(gzip.compress(text.encode())[:-2000])

    with pytest.raises(ConfigError, match="cut short"):
        opened.span()


def test_a_recording_that_lost_its_rows_since_it_was_opened_is_refused(recording):
    opened = recording("time,ntu\n2026-01-01T00:00Z,1\n")
    opened.path.write_text("time,ntu\nsoon,1\n")

    with pytest.raises(ConfigError, match=r"no row can be used \(1 time_unreadable\)"):
        opened.span()


def test_memory_does_not_grow_with_the_file(recording):
    opened = recording("time,ntu\n" + "".join(f"{1_767_225_600 + n},0.5\n" for n in range(40_000)))
    tracemalloc.start()
    try:
        assert opened.span().rows == 40_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 300_000  # the file has 640,000 bytes

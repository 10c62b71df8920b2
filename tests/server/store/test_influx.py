"""What is InfluxDB's own: lines it refuses, rights, names, what others wrote. On the real 1.6."""

from collections.abc import Iterator

import pytest

from server.store.influx import Basic, InfluxReadingStore, InfluxSettings, Token
from server.store.line_protocol import line_of
from server.store.port import PointRejected, StoreUnavailable
from tests.builders import AT, WATER_POINT, instant, ms, reading, row
from tests.services.influxdb import InfluxDB
from tests.services.service import free_port
from waterquality.flags import Why
from waterquality.parameters import Parameter

pytestmark = pytest.mark.integration
START, END = instant("2026-11-01T00:00:00Z"), instant("2026-12-01T00:00:00Z")
LATEST = {"since": START, "until": END}


@pytest.fixture
def store(influxdb: InfluxDB, influx_database: str) -> Iterator[InfluxReadingStore]:
    store = InfluxReadingStore(InfluxSettings(influxdb.url, influx_database))
    yield store
    store.close()


def thousand(*, but: dict[int, dict[str, object]]):
    return [row(**{"seq": n + 1, "at": ms(AT) + n * 1000} | but.get(n, {})) for n in range(1000)]


def test_one_line_of_another_type_among_a_thousand_is_named_and_the_others_are_stored(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
):
    influxdb.write(f'observation,water_point=x,device=y temperature="warm" {ms(AT)}', influx_database)
    with pytest.raises(PointRejected) as rejected:
        store.write(thousand(but={617: {"temperature": 11.5}}))
    assert list(rejected.value.reasons) == [617]
    assert "field type conflict" in rejected.value.reasons[617]
    assert store.count(**LATEST) == 999


def test_lines_beyond_the_retention_are_named_and_the_others_are_stored(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
):
    influxdb.query(
        f'CREATE RETENTION POLICY "short" ON "{influx_database}" DURATION 1000w REPLICATION 1 DEFAULT'
    )
    with pytest.raises(PointRejected) as rejected:
        store.write(thousand(but={0: {"at": "1990-01-01T00:00:00Z"}, 999: {"at": "1991-01-01T00:00:00Z"}}))
    assert sorted(rejected.value.reasons) == [0, 999]
    assert "beyond retention" in rejected.value.reasons[999]
    assert store.count(**LATEST) == 998


def test_a_name_longer_than_a_key_may_be_is_refused_alone(store: InfluxReadingStore):
    with pytest.raises(PointRejected) as rejected:
        store.write(thousand(but={500: {"water_point": "x" * 66_000}}))
    assert list(rejected.value.reasons) == [500]
    assert store.count(**LATEST) == 999


def test_rows_go_where_the_retention_policy_says(influxdb: InfluxDB, influx_database: str):
    influxdb.query(f'CREATE RETENTION POLICY "kept" ON "{influx_database}" DURATION INF REPLICATION 1')
    store = InfluxReadingStore(InfluxSettings(influxdb.url, influx_database, retention_policy="kept"))
    store.write([row()])
    assert store.count(**LATEST) == 1
    assert influxdb.query("SELECT * FROM autogen.observation", influx_database) == []
    assert len(influxdb.query("SELECT * FROM kept.observation", influx_database)) == 1


def test_an_unknown_retention_policy_holds_everything(influxdb: InfluxDB, influx_database: str):
    store = InfluxReadingStore(InfluxSettings(influxdb.url, influx_database, retention_policy="nope"))
    with pytest.raises(StoreUnavailable, match="retention policy not found"):
        store.write([row()])


def test_a_missing_database_holds_everything_and_says_what_to_do(influxdb: InfluxDB):
    store = InfluxReadingStore(InfluxSettings(influxdb.url, "nowhere"))
    with pytest.raises(StoreUnavailable, match="create the database"):
        store.write([row()])
    with pytest.raises(StoreUnavailable, match="database not found"):
        store.count(**LATEST)


def test_prepare_makes_the_database_and_may_be_called_again(influxdb: InfluxDB):
    name = 'ours "quoted" წყალი'
    store = InfluxReadingStore(InfluxSettings(influxdb.url, name))
    store.prepare()
    store.write([row()])
    store.prepare()
    assert store.count(**LATEST) == 1
    influxdb.query('DROP DATABASE "ours \\"quoted\\" წყალი"')


def test_nobody_is_asked_before_the_first_question():
    settings = InfluxSettings(f"http://127.0.0.1:{free_port()}", "x", connect_timeout_ms=500)
    store = InfluxReadingStore(settings)
    for question in (store.prepare, lambda: store.count(**LATEST), lambda: store.write([row()])):
        with pytest.raises(StoreUnavailable, match="refused"):
            question()
    store.close()


def test_a_host_that_does_not_exist_is_unavailable():
    store = InfluxReadingStore(InfluxSettings("http://no-such-host.invalid:8086", "x"))
    with pytest.raises(StoreUnavailable):
        store.write([row()])


def test_what_others_wrote_into_the_measurement_blinds_nobody(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
):
    store.write([row()])
    lines = f"observation,water_point=other,device=d turbidity=1.5 {ms(AT)}\n"
    lines += f"observation,water_point={WATER_POINT},device=kk-0001 turbidity=99.5 {ms(AT) + 1}"
    influxdb.write(lines, influx_database)
    assert store.latest(["other", WATER_POINT], **LATEST) == {WATER_POINT: row()}
    points = store.chart(WATER_POINT, Parameter.TURBIDITY, **LATEST, pixels=10)
    assert [point.mean for point in points] == [0.31]
    (point,) = store.chart(WATER_POINT, Parameter.TURBIDITY, since=START, until=END, pixels=1)
    assert (point.high, point.count) == (0.31, 1)
    assert len(store.identities(WATER_POINT, "kk-0001", since_ms=0, until_ms=ms(END))) == 1


def test_a_reason_or_parameter_from_a_newer_version_does_not_stop_the_page(
    store: InfluxReadingStore, influxdb: InfluxDB, influx_database: str
):
    line = line_of(row(ph=reading("ph", 7.4, why=Why.FIRST_FLUSH), temperature=11.5)).decode()
    influxdb.write(
        line.replace("first_flush", "of_tomorrow").replace("temperature", "radon"), influx_database
    )
    assert store.latest([WATER_POINT], **LATEST) == {WATER_POINT: row()}


def test_an_answer_that_the_store_cut_short_is_no_answer():
    with InfluxDB(http=("max-row-limit = 5",)) as service:
        store = InfluxReadingStore(InfluxSettings(service.url, service.new_database()))
        store.write(thousand(but={}))
        with pytest.raises(StoreUnavailable, match="max-row-limit"):
            store.identities(WATER_POINT, "kk-0001", since_ms=0, until_ms=ms(END))


def test_more_rows_than_one_answer_may_hold_are_read_page_by_page(store: InfluxReadingStore):
    rows = [row(seq=n + 1, at=ms(AT) - n * 1000) for n in range(20_001)]
    store.write(rows)
    found = store.identities(WATER_POINT, "kk-0001", since_ms=0, until_ms=ms(END))
    assert found == {("9f1c2a7e", each.observation.seq, each.observation.taken_ms) for each in rows}
    assert len(store.chart(WATER_POINT, Parameter.PH, **LATEST, pixels=30_000)) <= 10_000


def test_a_text_with_quotes_backslashes_and_line_ends_comes_back(store: InfluxReadingStore):
    written = row(turbidity=reading(certificate='a "b" \\ \\" c\\\nd,e=f 1'))
    store.write([written])
    assert store.latest([WATER_POINT], **LATEST) == {WATER_POINT: written}


# --- rights


@pytest.fixture(scope="module")
def guarded() -> Iterator[InfluxDB]:
    with InfluxDB(http=("auth-enabled = true",)) as service:
        service.query("CREATE USER chief WITH PASSWORD 'p: ა ss' WITH ALL PRIVILEGES")
        yield service


def at(service: InfluxDB, auth: Basic | None) -> InfluxReadingStore:
    return InfluxReadingStore(InfluxSettings(service.url, "water", auth=auth))


def test_a_user_with_a_password_is_let_in(guarded: InfluxDB):
    store = at(guarded, Basic("chief", "p: ა ss"))
    store.prepare()
    store.write([row()])
    assert store.count(**LATEST) == 1


@pytest.mark.parametrize("auth", [None, Basic("chief", "wrong")])
def test_a_stranger_is_told_to_check_the_password(guarded: InfluxDB, auth: Basic | None):
    store = at(guarded, auth)
    with pytest.raises(StoreUnavailable, match="check the user and password"):
        store.write([row()])
    with pytest.raises(StoreUnavailable, match="check the user and password"):
        store.prepare()


def test_who_may_only_read_and_write_needs_no_right_to_make_databases(guarded: InfluxDB):
    chief = at(guarded, Basic("chief", "p: ა ss"))
    chief.prepare()
    for statement in ("CREATE USER clerk WITH PASSWORD 'c'", "GRANT ALL ON water TO clerk"):
        chief._door.query(statement)
    clerk = at(guarded, Basic("clerk", "c"))
    clerk.prepare()
    clerk.write([row()])
    chief._door.query("REVOKE ALL ON water FROM clerk")
    with pytest.raises(StoreUnavailable, match="give the user or token the right"):
        clerk.write([row()])
    with pytest.raises(StoreUnavailable, match="give the user or token the right"):
        clerk.prepare()


def test_neither_password_nor_token_is_shown_with_the_settings():
    assert "secret" not in f"{InfluxSettings('u', 'd', auth=Basic('me', 'secret'))} {Token('secret')}"

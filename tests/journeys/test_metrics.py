"""Real processes tell Prometheus what they do, and what they do not know."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.telemetry.catalogue import CATALOGUE
from tests.fakes.patience import eventually
from tests.fakes.programs import TSKARO, run
from tests.fakes.receiver import Receiver
from tests.fakes.world import CSO, World
from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.postgresql import PostgreSQL
from tests.services.service import free_port
from waterquality import topics
from waterquality.topics import Envelope
from waterquality.wire.messages import Health, encode_health

pytestmark = pytest.mark.integration
SPEC = Path(__file__).parents[2] / "docs" / "specs" / "telemetry.md"
VITALS = {"under_voltage": 1.0, "board_c": 51.5, "disk_free_mb": 900.0}
# What is told of gateways where there are any (`tests/server/test_gateways.py` reads it), and of answers likewise.
ONLY_WHERE_SET_UP = ("tskaro_sms_", "tskaro_notify_answers_")
Told = dict[tuple[str, ...], float]


def read(port: int) -> tuple[Told, set[str]]:
    """The samples of a page, by name and labels, and the names of its figures with their suffixes."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    names = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    return {(s.name, *s.labels.values()): s.value for each in families for s in each.samples}, names


@contextmanager
def metered(world: World) -> Iterator[int]:
    """A world whose settings name a port for figures; ingest answers there, notify and web above it."""
    port = free_port()
    with world.settings.open("a") as settings:
        settings.write(f"[metrics]\nport = {port}\n[web]\nport = {free_port()}\n")
    yield port


def health(epoch: str = "9f1c2a7e") -> bytes:
    known = Health(epoch, 7, 5, 3, 0, clock_synchronised=True, uptime_s=9.0, time_ms=1, vitals=VITALS)
    return encode_health(known)


def test_real_processes_tell_every_figure_of_the_catalogue_and_no_other(world: World) -> None:
    world.register({"kk-0001": "algeti", "kk-0002": "algeti"})
    with metered(world) as port, Receiver(world.broker.port, "tskaro/1/+/+/receipt") as line:
        device = world.device()
        web = world.server("web")
        world.start(world.server("ingest"), world.server("notify"), web, device)
        line.say(topics.readings(Envelope("kk-0002", "9f1c2a7e", 5, 6)), b"no pack")
        line.say(topics.of_device("kk-0002", "health"), health())
        device.sees(turbidity=12.0)
        eventually(lambda: world.texts_to(CSO))
        kept = world.assert_all_is_kept(device)
        eventually(lambda: ("tskaro_device_board_celsius", "kk-0002") in read(port + 1)[0])
        eventually(lambda: ("tskaro_notify_outcomes_total", "accepted") in read(port + 1)[0])
        eventually(lambda: ("tskaro_ingest_last_tick_timestamp_seconds",) in read(port)[0])
        ingest, notify, pages = read(port), read(port + 1), read(port + 2)

    told = ingest[0] | notify[0]
    assert told["tskaro_ingest_observations_stored_total",] == kept
    assert told["tskaro_ingest_observations_judged_total",] == kept
    assert told["tskaro_ingest_tap_to_store_seconds_count",] == kept
    assert 0 < told["tskaro_ingest_tap_to_store_seconds_sum",] < 60 * kept
    assert told["tskaro_ingest_quarantined_total", "not_json"] == 1
    assert told["tskaro_quarantine_entries", "not_json"] == 1
    assert told["tskaro_custody_awaited_numbers",] == 4
    assert told["tskaro_ingest_receipts_sent_total",] >= 2
    assert told["tskaro_device_outbox_records", "kk-0002"] == 3
    assert told["tskaro_devices",] == 2
    assert told["tskaro_ingest_shards_held",] == 16
    assert told["tskaro_store_writable",] == told["tskaro_database_up",] == 1
    assert time.time() - told["tskaro_ingest_last_turn_timestamp_seconds",] < 60
    assert sum(told[key] for key in told if key[0] == "tskaro_alerts" and "turbidity-who-4" in key) >= 1
    assert ingest[0]["tskaro_broker_connected", "remote"] == pages[0]["tskaro_broker_connected", "web"] == 1
    names = ingest[1] | notify[1] | pages[1]
    ours = {name for name in names if name.startswith("tskaro_")}
    assert {name for name in CATALOGUE if not name.startswith(ONLY_WHERE_SET_UP)} == ours
    of_process = SPEC.read_text().split("Of the process itself")[1].split("\n\n")[0]
    assert all(f"`{name}`" in of_process for name in names - ours)
    assert of_process.count("`process_") == len(names - ours)


def test_while_the_store_is_away_the_page_answers_and_says_so(world: World) -> None:
    world.register({"kk-0001": "algeti"})
    with metered(world) as port:
        world.start(world.server("ingest"), world.device())
        eventually(lambda: read(port)[0]["tskaro_ingest_observations_stored_total",] > 0)
        assert read(port)[0]["tskaro_store_writable",] == 1
        world.influxdb.stop()
        eventually(lambda: read(port)[0]["tskaro_store_writable",] == 0)
        assert read(port)[0]["tskaro_store_failures_total",] >= 1
        world.influxdb.start()
        eventually(lambda: read(port)[0]["tskaro_store_writable",] == 1)


def test_while_the_database_is_away_the_page_answers_and_tells_nothing_old(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB, postgresql: PostgreSQL
) -> None:
    with World(tmp_path, mosquitto, influxdb, database_url=postgresql.new_database()) as world:
        world.register({"kk-0001": "algeti"})
        with metered(world) as port:
            world.start(world.server("notify"))
            eventually(lambda: ("tskaro_devices",) in _read_if_there(port + 1))
            postgresql.stop()
            try:
                eventually(lambda: read(port + 1)[0]["tskaro_database_up",] == 0)
                assert ("tskaro_devices",) not in read(port + 1)[0]
                eventually(lambda: read(port + 1)[0]["tskaro_database_failures_total", "notify"] > 0)
            finally:
                postgresql.start()
            eventually(lambda: read(port + 1)[0].get(("tskaro_devices",)) == 1)


def test_a_second_process_on_the_same_port_is_refused_with_the_way_out(world: World) -> None:
    with metered(world) as port:
        world.start(world.server("ingest"))
        second = run(TSKARO, "ingest", "--settings", world.settings, env=world.env)

        assert second.returncode == 75
        assert f"metrics: cannot listen at 127.0.0.1:{port} (tskaro ingest)" in second.stderr
        assert "TSKARO_METRICS__PORT" in second.stderr
        assert read(port)[0]["tskaro_broker_connected", "ingest"] == 1


def _read_if_there(port: int) -> Told:
    try:
        return read(port)[0]
    except OSError:
        return {}

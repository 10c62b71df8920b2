"""The services that other tests stand on do what those tests rely on."""

import os

import psycopg
import pytest
from paho.mqtt import client as mqtt

from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.postgresql import PostgreSQL
from tests.services.service import ServiceError, find_binary, free_port

pytestmark = pytest.mark.integration


def test_a_broker_takes_a_message_and_comes_back_on_its_port_after_a_kill(mosquitto: Mosquitto):
    for _ in range(2):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", mosquitto.port)
        client.loop_start()
        client.publish("t", b"1", qos=1).wait_for_publish(5)
        client.disconnect()
        client.loop_stop()
        mosquitto.kill()
        mosquitto.start()


def test_a_persistent_broker_keeps_what_is_retained_over_a_restart():
    with Mosquitto(persistence=True) as broker:
        broker.restart()
        assert (broker.directory / "mosquitto.db").exists()


def test_a_broker_with_a_bad_setting_says_why_it_did_not_start():
    with pytest.raises(ServiceError, match="no_such_setting"):
        Mosquitto(settings=("no_such_setting 1",)).__enter__()


def test_influxdb_keeps_what_was_written_over_a_kill(influxdb: InfluxDB, influx_database: str):
    influxdb.write("m v=1.5 1000", influx_database)
    influxdb.kill()
    influxdb.start()
    assert influxdb.query("SELECT v FROM m", influx_database)[0]["values"] == [[1000, 1.5]]


def test_postgresql_keeps_what_was_written_over_a_kill(postgresql: PostgreSQL, postgres_url: str):
    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    postgresql.kill()
    postgresql.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (7,)


def test_a_service_leaves_no_process_and_no_folder_behind():
    with InfluxDB() as service:
        pid, directory = service.pid, service.directory
    assert service.pid is None
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_missing_program_names_the_script_that_installs_it():
    with pytest.raises(ServiceError, match=r"deploy/test-packages\.sh"):
        find_binary("no-such-program")


def test_a_free_port_is_below_those_the_kernel_hands_out():
    assert all(1024 < free_port() < 32_768 for _ in range(50))

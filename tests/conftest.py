"""The real services that tests may ask for. Each starts at its first use and ends with the session.

A test may stop, kill or restart what it was given: the next test finds it running again. With pytest-xdist
each worker has its own.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.services.influxdb import InfluxDB
from tests.services.mosquitto import Mosquitto
from tests.services.postgresql import PostgreSQL

# A shared, noisy machine: how long an example takes says nothing about the code.
settings.register_profile("tskaro", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tskaro")


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """An anonymous broker of this test alone: what one test retains, no other sees."""
    with Mosquitto() as broker:
        yield broker


@pytest.fixture(scope="session")
def influxdb_of_session() -> Iterator[InfluxDB]:
    with InfluxDB() as service:
        yield service


@pytest.fixture
def influxdb(influxdb_of_session: InfluxDB) -> InfluxDB:
    """A running InfluxDB; make a database with `new_database()`."""
    return influxdb_of_session.start()


@pytest.fixture
def influx_database(influxdb: InfluxDB) -> str:
    """The name of a fresh, empty database in `influxdb`."""
    return influxdb.new_database()


@pytest.fixture(scope="session")
def postgresql_of_session() -> Iterator[PostgreSQL]:
    with PostgreSQL() as service:
        yield service


@pytest.fixture
def postgresql(postgresql_of_session: PostgreSQL) -> PostgreSQL:
    """A running PostgreSQL; make a database with `new_database()`."""
    return postgresql_of_session.start()


@pytest.fixture
def postgres_url(postgresql: PostgreSQL) -> str:
    """The SQLAlchemy URL of a fresh, empty database."""
    return postgresql.new_database()

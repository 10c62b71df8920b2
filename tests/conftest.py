"""The real services that tests may ask for. Each starts at its first use and ends with the session.

A test may stop, kill or restart what it was given: the next test finds it running again. With pytest-xdist
each worker has its own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from server.database.engine import Database
from server.database.migrate import migrate
from tests.services.gammu_smsd import GammuSmsd
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
def gammu_smsd_of_session() -> Iterator[GammuSmsd]:
    with GammuSmsd() as service:
        yield service


@pytest.fixture
def gammu_smsd(gammu_smsd_of_session: GammuSmsd) -> GammuSmsd:
    """A running gammu-smsd with a dummy modem; `empty()` it for the next."""
    return gammu_smsd_of_session.start()


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


@pytest.fixture(scope="session")
def models_of_databases() -> dict[str, str]:
    """URLs of databases of the newest schema, by kind, to be copied: to migrate a new one takes longer."""
    return {}


@pytest.fixture
def sqlite_database(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, models_of_databases: dict[str, str]
) -> Iterator[Database]:
    """An empty SQLite database of the newest schema."""
    if "sqlite" not in models_of_databases:
        models_of_databases["sqlite"] = _migrated(
            f"sqlite:///{tmp_path_factory.mktemp('model') / 'model.db'}"
        )
    copied = tmp_path / "migrated.db"
    shutil.copy(models_of_databases["sqlite"].removeprefix("sqlite:///"), copied)
    yield from _opened(f"sqlite:///{copied}")


@pytest.fixture
def postgresql_database(postgresql: PostgreSQL, models_of_databases: dict[str, str]) -> Iterator[Database]:
    """An empty PostgreSQL database of the newest schema."""
    if "postgresql" not in models_of_databases:
        models_of_databases["postgresql"] = _migrated(postgresql.new_database())
    yield from _opened(postgresql.new_database(like=models_of_databases["postgresql"]))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of the newest schema, of each kind: what must hold, holds on both."""
    made: Database = request.getfixturevalue(f"{request.param}_database")
    return made


def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def _migrated(url: str) -> str:
    database = Database(url)
    migrate(database)
    database.close()
    return url

"""From settings to parts: what `tskaro` runs is put together here and in `server.processes`, nowhere else."""

from datetime import timedelta

import structlog

from alerts.holding import Holding
from alerts.seeds import shipped_rules
from alerts.transports.gammu import GammuInbox
from alerts.transports.gammu_spool import Spool
from alerts.transports.http_gateway import HttpGateway
from alerts.transports.http_settings import read_settings
from alerts.transports.inbox import Inbox
from alerts.transports.phone import OnScreenPhone
from alerts.transports.port import Transport
from firmware_config.tls import client_context
from server.bus.mqtt import BrokerAddress
from server.clock import Clock, SystemClock
from server.database.engine import Database
from server.database.migrate import migrate
from server.gateways import failover, read_gateways
from server.phone import DatabaseInbox
from server.processes import Surroundings
from server.purse import DatabasePurse
from server.registry.writing import seed_rules
from server.settings import Alerts, InfluxAuth, Mqtt, Notify, ServerSettings, Store, StoreKind, TransportKind
from server.store.influx import Basic, InfluxReadingStore, InfluxSettings, Token
from server.store.patient import PatientStore
from server.store.port import ReadingStore, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from waterquality.errors import ConfigError

_log = structlog.get_logger()


def surroundings(settings: ServerSettings) -> Surroundings:
    """What every process stands in; the database is brought to the newest schema and given its first rules.

    Raises:
        ConfigError: a file that the settings name cannot be used; mended by the operator.
        DatabaseUnavailable: mended by time.
    """
    database, store = open_database(settings), _store(settings.store)
    return Surroundings(
        database=database,
        store=store,
        written_late=store.written_late if isinstance(store, PatientStore) else lambda: (),
        broker=broker(settings.mqtt),
        clock=SystemClock(),
        keep=timedelta(days=settings.store.keep_days),
        late_after=timedelta(seconds=settings.late_after_s),
        holding=_holding(settings.alerts),
    )


def _holding(settings: Alerts) -> Holding:
    remind_after = timedelta(seconds=settings.remind_after_s) if settings.remind_after_s else None
    return Holding(timedelta(seconds=settings.next_tier_after_s), remind_after, settings.reminders)


def open_database(settings: ServerSettings) -> Database:
    """The database, brought to the newest schema and given its first rules.

    Raises:
        ConfigError: `database_url` leads to nothing that can be used; mended by the operator.
        DatabaseUnavailable: mended by time.
    """
    database = Database(settings.database_url)
    migrate(database)
    with database.writing() as connection:
        seed_rules(connection, shipped_rules())
    return database


def transport(settings: Notify, database: Database, clock: Clock) -> Transport:
    """How texts travel.

    Raises:
        ConfigError: the gateway's file cannot be used; mended by the operator.
    """
    if settings.transport is TransportKind.PHONE:
        return OnScreenPhone(DatabaseInbox(database, clock.now))
    if settings.transport is TransportKind.GATEWAYS:
        assert settings.gateways is not None
        return failover(read_gateways(settings.gateways), clock, DatabasePurse(database))
    assert settings.gateway is not None
    try:
        text = settings.gateway.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{settings.gateway}: cannot be read: {error.strerror}") from error
    secrets = {} if settings.secret is None else {"secret": settings.secret}
    return HttpGateway(read_settings(text, secrets))


def inbox(settings: Notify) -> Inbox | None:
    """Where people text back to; None where they cannot."""
    return None if settings.answers is None else GammuInbox(Spool(settings.answers))


def broker(mqtt: Mqtt) -> BrokerAddress:
    """Where the broker is.

    Raises:
        ConfigError: a certificate or key cannot be used; mended by the operator.
    """
    tls = None
    if mqtt.ca is not None:
        tls = client_context(mqtt.ca, mqtt.certificate, mqtt.key)
    password = mqtt.password.get_secret_value() if mqtt.password is not None else ""
    return BrokerAddress(mqtt.host, mqtt.port, mqtt.username, password, tls)


def plain_store(settings: Store) -> SqliteReadingStore | InfluxReadingStore:
    """The store of readings as it is, for administration: nothing is made, and a slow answer is waited for."""
    if settings.kind is StoreKind.SQLITE:
        return SqliteReadingStore(settings.path)
    return InfluxReadingStore(influx_settings(settings))


def _store(settings: Store) -> ReadingStore:
    found = plain_store(settings)
    store: ReadingStore = PatientStore(found) if isinstance(found, InfluxReadingStore) else found
    try:
        store.prepare()
    except StoreUnavailable as trouble:  # it may come later; what arrives until then stays with the devices
        _log.warning("store_unavailable", detail=str(trouble))
    return store


def influx_settings(settings: Store) -> InfluxSettings:
    """Where an InfluxDB is and how to be let in."""
    secret = settings.secret.get_secret_value() if settings.secret is not None else ""
    auth = {
        InfluxAuth.NONE: None,
        InfluxAuth.BASIC: Basic(settings.user, secret),
        InfluxAuth.TOKEN: Token(secret),
    }[settings.auth]
    return InfluxSettings(url=settings.url, database=settings.database, org=settings.org, auth=auth)

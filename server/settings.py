"""Where the server runs: database, store, broker, pages, gateway. Read once at start, handed down in sections.

`firmware_config.layers` says how the TOML file, secret files and the environment come together.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from alerts.advisories.cap import check_sender
from firmware_config.errors import Problem
from firmware_config.layers import LayeredSettings, load_layered, secret_file_of, variable_of
from firmware_config.refusal import refuse

DEFAULT_PATH = Path("/etc/tskaro/server.toml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _needs(section: str, key: str, because: str) -> Problem:
    keys = (section, key)
    where = f"the secret file {secret_file_of(*keys)} or the variable {variable_of(*keys)}"
    return Problem(key, f"is required by {because}; put it into {where}")


class Mqtt(_Section):
    """The broker.

    Attributes:
        host: name or address.
        port: TCP port.
        username: "" where the broker asks nobody.
        password: required with a username; from a secret file or the environment.
        ca: certificates that may have signed the broker's, PEM; None speaks in the clear.
        certificate: the server's own certificate, PEM.
        key: its private key, PEM.
    """

    host: str = Field(default="localhost", min_length=1)
    port: int = Field(default=1883, ge=1, le=65_535)
    username: str = ""
    password: SecretStr | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        refuse(self._missing())
        return self

    def _missing(self) -> Iterator[Problem]:
        if self.username and self.password is None:
            yield _needs("mqtt", "password", "username")
        if (self.certificate is None) != (self.key is None):
            yield Problem("key", "certificate and key are given together or not at all")


class StoreKind(StrEnum):
    """Where readings are kept."""

    SQLITE = "sqlite"
    INFLUXDB = "influxdb"


class InfluxAuth(StrEnum):
    """How the store lets us in."""

    NONE = "none"
    BASIC = "basic"
    TOKEN = "token"  # noqa: S105 - a word of the configuration


class Store(_Section):
    """The store of readings.

    Attributes:
        kind: sqlite for a box of a few villages, influxdb for more.
        path: sqlite: the file.
        url: influxdb: where it is.
        database: influxdb: its name (2.x: of the DBRP mapping).
        org: influxdb 2.x: organisation.
        auth: influxdb: how it lets us in.
        user: influxdb with auth = "basic": user.
        secret: influxdb: password or token; from a secret file or the environment.
        keep_days: how long readings are kept; older ones are refused on arrival.
    """

    kind: StoreKind = StoreKind.SQLITE
    path: Path = Path("/var/lib/tskaro/readings.db")
    url: str = "http://localhost:8086"
    database: str = "tskaro"
    org: str = ""
    auth: InfluxAuth = InfluxAuth.NONE
    user: str = ""
    secret: SecretStr | None = None
    keep_days: int = Field(default=730, ge=1)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.auth is not InfluxAuth.NONE and self.secret is None:
            refuse([_needs("store", "secret", f'auth = "{self.auth}"')])
        return self


class Web(_Section):
    """The pages.

    Attributes:
        host: address to listen on.
        port: TCP port.
        tile_url: map tiles, e.g. `https://tiles.example/{z}/{x}/{y}.png`; "" draws the map without.
        public_url: where people find the pages, e.g. `https://water.example.org`; "" where nobody is to.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    tile_url: str = ""
    public_url: str = ""


class TransportKind(StrEnum):
    """How texts travel."""

    PHONE = "phone"
    HTTP_GATEWAY = "http_gateway"
    GATEWAYS = "gateways"


class Notify(_Section):
    """Texts.

    Attributes:
        transport: `phone` shows them on a page and sends nothing.
        gateway: for `http_gateway`: the TOML file that says how to ask it.
        secret: what that file calls `secret`, e.g. an API key; from a secret file or the environment.
        gateways: for `gateways`: the TOML file that lists them in the order in which they are asked.
        answers: the folder of a gammu-smsd that receives what people text back; None where they cannot.
    """

    transport: TransportKind = TransportKind.PHONE
    gateway: Path | None = None
    gateways: Path | None = None
    secret: SecretStr | None = None
    answers: Path | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.transport is TransportKind.HTTP_GATEWAY and self.gateway is None:
            refuse([Problem("gateway", 'is required by transport = "http_gateway"')])
        if self.transport is TransportKind.GATEWAYS and self.gateways is None:
            refuse([Problem("gateways", 'is required by transport = "gateways"')])
        return self


class Authority(_Section):
    """The certificate authority, and what it tells devices of the broker.

    Attributes:
        folder: where its keys are; belongs to whoever runs `tskaro device`.
        passphrase: locks its keys; from a secret file or the environment. None leaves them open to the owner.
        device_days: how long a device's certificate is valid.
        broker_days: how long the broker's certificate is valid.
        own_days: how long the authority itself is valid; read when it is made.
        broker: the name or address by which devices reach the broker; "" must be said for each card.
        broker_port: its TCP port for devices.
    """

    folder: Path = Path("/var/lib/tskaro/authority")
    passphrase: SecretStr | None = None
    device_days: int = Field(default=730, ge=1, le=3650)
    broker_days: int = Field(default=730, ge=1, le=3650)
    own_days: int = Field(default=7300, ge=1, le=18_250)
    broker: str = ""
    broker_port: int = Field(default=8883, ge=1, le=65_535)


class Advisories(_Section):
    """Advisories: who must agree, what lifts them, and how programs are told (CAP).

    Attributes:
        two_persons: whether a second person must confirm what one has signed.
        clear_samples: how many clear laboratory samples are demanded before lifting.
        samples_apart_hours: how far apart in time they lie at least.
        valid_days: how long an advisory is in force unless a person says otherwise.
        longest_days: how long it may be in force without being renewed.
        sender: who speaks in the CAP feed, e.g. `water@municipality.example`; "" publishes no CAP.
        status: how programs are to take what is published.
        radius_m: how far around its water point an advisory concerns people, in metres.
    """

    two_persons: bool = True
    clear_samples: int = Field(default=2, ge=1, le=20)
    samples_apart_hours: float = Field(default=20.0, ge=0, le=24 * 30)
    valid_days: float = Field(default=7.0, gt=0, le=365)
    longest_days: float = Field(default=30.0, gt=0, le=365)
    sender: Annotated[str, AfterValidator(check_sender)] = ""
    status: Literal["actual", "exercise", "test"] = "actual"
    radius_m: float = Field(default=1000.0, gt=0, le=100_000)


class Drill(_Section):
    """How it is raised that no drill succeeds any more; both are secrets, and either is enough.

    Attributes:
        dead_man_url: asked after each good look of `tskaro drill check`; from a secret file or the environment.
        apprise_url: carries the bad news, by Apprise; from a secret file or the environment.
    """

    dead_man_url: SecretStr | None = None
    apprise_url: SecretStr | None = None


class Log(_Section):
    """The server's own log.

    Attributes:
        format: `keyvalue` for journald and people, `json` for machines.
        level: the least that is written.
    """

    format: Literal["keyvalue", "json"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Metrics(_Section):
    """Figures for Prometheus.

    Attributes:
        host: address to listen on; nobody is asked for a password.
        port: TCP port of `serve` and `ingest`; `notify` takes the next one, `web` the one after. None: none does.
        most_devices: how many devices have figures of their own, those registered last.
    """

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int | None = Field(default=None, ge=1, le=65_533)
    most_devices: int = Field(default=500, ge=0, le=10_000)


class Alerts(_Section):
    """How texts wait for one another.

    Attributes:
        next_tier_after_s: how long each tier of people has to acknowledge before the next is told, in seconds.
        remind_after_s: how long after a critical text to send it again while nobody has acknowledged, in seconds;
            0 for never, as is right where people cannot answer.
        reminders: how often at most.
    """

    next_tier_after_s: float = Field(default=1800.0, gt=0)
    remind_after_s: float = Field(default=0.0, ge=0)
    reminders: int = Field(default=3, ge=0, le=9)


class ServerSettings(LayeredSettings):
    """All settings of the server.

    Attributes:
        database_url: registry, ledger and custody; SQLite or PostgreSQL (`postgresql+psycopg://…`).
        late_after_s: how old an observation may be on arrival and still be about now, in seconds.
        mqtt: the broker.
        store: the store of readings.
        web: the pages.
        alerts: how texts wait for one another.
        notify: texts.
        authority: certificates of devices and of the broker.
        advisories: who must agree on them, and how programs are told.
        metrics: figures for Prometheus.
        drill: who raises that no drill succeeds any more.
        log: the server's log.
    """

    database_url: str = "sqlite:////var/lib/tskaro/tskaro.db"
    late_after_s: float = Field(default=1200.0, gt=0)
    mqtt: Mqtt = Mqtt()
    store: Store = Store()
    web: Web = Web()
    alerts: Alerts = Alerts()
    notify: Notify = Notify()
    authority: Authority = Authority()
    advisories: Advisories = Advisories()
    metrics: Metrics = Metrics()
    drill: Drill = Drill()
    log: Log = Log()


def load_settings(path: Path = DEFAULT_PATH, *, secrets_dir: Path | None = None) -> ServerSettings:
    """Read the server's settings.

    Args:
        path: the TOML file.
        secrets_dir: folder of secret files; None is systemd's `$CREDENTIALS_DIRECTORY`, if there is one.

    Raises:
        ConfigRefused: with every problem as `file or variable: key: reason`; mended by the operator.
    """
    return load_layered(ServerSettings, path, secrets_dir=secrets_dir)

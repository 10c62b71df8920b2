"""The gateways of this server: what the operator writes down in `gateways.toml`, and the parts made of it.

Gateways are asked in the order of the file. Secrets are never in it: `secret_file` names a file each; where systemd
hands the file over (`LoadCredential=`), its copy is read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from alerts.transports.apprise_gateway import AppriseGateway
from alerts.transports.failover import Failover, Gateway
from alerts.transports.gammu import GammuSmsd
from alerts.transports.gammu_spool import Spool
from alerts.transports.gosms import ADDRESS as GOSMS
from alerts.transports.gosms import GoSms
from alerts.transports.http_gateway import HttpGateway
from alerts.transports.http_settings import read_settings
from alerts.transports.port import Transport
from alerts.transports.routing import Terms
from alerts.transports.sender import ADDRESS as SENDER
from alerts.transports.sender import SenderGe
from alerts.transports.smsoffice import ADDRESS as SMSOFFICE
from alerts.transports.smsoffice import SmsOffice
from alerts.transports.spending import Ceiling, Purse
from firmware_config.errors import Problem
from firmware_config.layers import handed_over
from firmware_config.refusal import config_error, read_toml, refuse
from server.clock import Clock
from waterquality.errors import ConfigError

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Gateway(_Table):
    """What every gateway has.

    Attributes:
        name: ours, e.g. `gosms`; texts on their way carry it, so it stays.
        tetri_per_segment: what a segment costs, in hundredths of a lari; 0 for none, or in a bundle.
        per_minute: texts a minute at most.
        low_balance: below this much somebody is warned, in the gateway's own unit.
    """

    name: _Name
    tetri_per_segment: int = Field(default=0, ge=0, le=1000)
    per_minute: int | None = Field(default=None, ge=1, le=10_000)
    low_balance: float | None = Field(default=None, ge=0)


class _Online(_Gateway):
    secret_file: Path
    timeout_s: float = Field(default=10, gt=0, le=60)


class GoSmsTable(_Online):
    """GoSMS.ge."""

    kind: Literal["gosms"]
    sender: str = Field(min_length=1)
    address: str = GOSMS


class SmsOfficeTable(_Online):
    """SMSOffice.ge."""

    kind: Literal["smsoffice"]
    sender: str = Field(min_length=1, max_length=16)
    address: str = SMSOFFICE


class SenderTable(_Online):
    """Sender.ge; the sender's name goes with the key."""

    kind: Literal["sender"]
    address: str = SENDER


class GammuTable(_Gateway):
    """Our own SIM.

    Attributes:
        spool: the folder of `inbox`, `outbox`, `sent` and `error`.
        log: smsd's log; without it no delivery report can be told whose it is.
    """

    kind: Literal["gammu"]
    spool: Path = Path("/var/spool/gammu")
    log: Path | None = None


class HttpTable(_Gateway):
    """Any gateway by template: `settings` is the file that describes it."""

    kind: Literal["http"]
    settings: Path
    secret_file: Path | None = None


class AppriseTable(_Gateway):
    """E-mail, Telegram and others: `secret_file` holds Apprise's URL."""

    kind: Literal["apprise"]
    secret_file: Path
    title: str = "Tskaro"


AnyTable = Annotated[
    GoSmsTable | SmsOfficeTable | SenderTable | GammuTable | HttpTable | AppriseTable,
    Field(discriminator="kind"),
]


class GatewaysFile(_Table):
    """All gateways.

    Attributes:
        daily_ceiling_tetri: what the texts of a Tbilisi day may cost; None for no ceiling.
        warn_at: the part of it at which somebody is warned.
        gateway: in the order in which they are asked.
    """

    daily_ceiling_tetri: int | None = Field(default=None, ge=1)
    warn_at: float = Field(default=0.8, gt=0, lt=1)
    gateway: tuple[AnyTable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_no_name_twice(self) -> Self:
        refuse(self._twice())
        return self

    def _twice(self) -> Iterator[Problem]:
        names = [each.name for each in self.gateway]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("gateway", f"two gateways have the name {name}")


def read_gateways(path: Path) -> GatewaysFile:
    """Read `gateways.toml`.

    Raises:
        ConfigRefused: with every problem as `file: key: reason`; mended by the operator.
    """
    try:
        return GatewaysFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise config_error(path, error, GatewaysFile) from error


def failover(file: GatewaysFile, clock: Clock, purse: Purse) -> Failover:
    """The transport made of all of them.

    Raises:
        ConfigError: a file that it names cannot be used; mended by the operator.
    """
    gateways = [
        Gateway(
            Terms(each.name, each.tetri_per_segment, each.per_minute),
            _transport(each, clock),
            each.low_balance,
        )
        for each in file.gateway
    ]
    return Failover(gateways, clock.now, purse, Ceiling(file.daily_ceiling_tetri, file.warn_at))


def _transport(table: AnyTable, clock: Clock) -> Transport:
    match table:
        case GoSmsTable():
            key = _secret(table.secret_file)
            return GoSms(key, table.sender, timeout_s=table.timeout_s, address=table.address)
        case SmsOfficeTable():
            key = _secret(table.secret_file)
            return SmsOffice(key, table.sender, timeout_s=table.timeout_s, address=table.address)
        case SenderTable():
            return SenderGe(_secret(table.secret_file), timeout_s=table.timeout_s, address=table.address)
        case GammuTable():
            return GammuSmsd(Spool(table.spool, table.log), clock.now)
        case HttpTable():
            secrets = {} if table.secret_file is None else {"secret": _secret(table.secret_file)}
            return HttpGateway(read_settings(_read(table.settings), secrets))
        case AppriseTable():
            return AppriseGateway(_secret(table.secret_file), table.title)


def _secret(path: Path) -> SecretStr:
    secret = _read(handed_over(path)).strip()
    if not secret:
        raise ConfigError(f"{path}: is empty; it must hold the gateway's key")
    return SecretStr(secret)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error

"""Where a device's agent runs: broker, outbox, intervals. Read once at start and handed down in sections.

`firmware_config.layers` says how the TOML file, secret files and the environment come together. Every section
is frozen and refuses what it does not know; `edge.sample.toml` documents every key. Is not: what is wired to
the device, which is `firmware_config.device`.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from edge.outbox.room import WhenFull
from firmware_config.errors import Problem
from firmware_config.layers import LayeredSettings, load_layered, secret_file_of, variable_of
from firmware_config.refusal import refuse
from waterquality.languages import Language

DEFAULT_PATH = Path("/etc/tskaro/edge.toml")
_BYTES_PER_MEGABYTE = 1_000_000


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Authentication(StrEnum):
    """How the device shows the broker who it is."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - a word of the configuration
    CERTIFICATE = "certificate"


class Tls(_Section):
    """TLS to the broker.

    Attributes:
        ca: certificates that may have signed the broker's, PEM.
        certificate: the device's own certificate, PEM; None where a password is used.
        key: its private key, PEM.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        missing = [key for key in ("certificate", "key") if getattr(self, key) is None]
        if len(missing) == 1:
            refuse([Problem(missing[0], "certificate and key are given together or not at all")])
        return self


class Mqtt(_Section):
    """The broker and how to be let in.

    Attributes:
        host: name or address.
        port: TCP port.
        authentication: decides what else is required.
        username: for `password`; the broker's ACL expects the device id.
        password: for `password`; from a secret file or the environment, never from the TOML file.
        tls: None speaks in the clear, which `certificate` does not allow.
        keepalive_s: longest silence on the line in seconds, raised above `uplink.batch_every_s`; after half as long
            again the broker sends the last will.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=8883, ge=1, le=65_535)
    authentication: Authentication = Authentication.CERTIFICATE
    username: str = ""
    password: SecretStr | None = None
    tls: Tls | None = None
    keepalive_s: int = Field(default=240, ge=5, le=3_600)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        refuse(self._missing())
        return self

    def _missing(self) -> Iterator[Problem]:
        wanted = f'is required by authentication = "{self.authentication}"'
        if self.authentication is Authentication.PASSWORD:
            if not self.username:
                yield Problem("username", wanted)
            if self.password is None or not self.password.get_secret_value():
                keys = ("mqtt", "password")
                where = f"the secret file {secret_file_of(*keys)} or the variable {variable_of(*keys)}"
                yield Problem("password", f"{wanted}; put it into {where}")
        if self.authentication is Authentication.CERTIFICATE:
            if self.tls is None:
                yield Problem("tls", f"{wanted}, with ca, certificate and key")
            elif self.tls.certificate is None:
                yield Problem("tls.certificate", f"{wanted}, and so is tls.key")


class Outbox(_Section):
    """What the device holds until the server has it.

    Attributes:
        path: the SQLite file.
        max_records: how many records it holds; half a million is most of a year at one a minute.
        when_full: what gives way then, or when the disk takes nothing more: the oldest, or what comes next; what
            is dropped leaves a gap record.
    """

    path: Path = Path("/var/lib/tskaro/outbox.db")
    max_records: int = Field(default=500_000, ge=100)
    when_full: WhenFull = WhenFull.DROP_OLDEST


class Deflate(StrEnum):
    """Which messages are compressed."""

    NEVER = "never"
    BATCHES = "batches"
    ALWAYS = "always"


class Uplink(_Section):
    """How the outbox is emptied.

    Attributes:
        batch_records: most records in one message.
        repeat_after_s: seconds without a receipt before a batch is sent again.
        window_batches: most batches without a receipt at a time.
        deflate: `batches` compresses all but messages of a single record.
        batch_every_s: seconds for which new observations are gathered into one message; 0 sends each at once. An
            exceedance or a new doubt breaks the batch.
    """

    batch_records: int = Field(default=50, ge=1, le=500)
    repeat_after_s: float = Field(default=30.0, gt=0.0, le=3_600.0)
    window_batches: int = Field(default=4, ge=1, le=64)
    deflate: Deflate = Deflate.BATCHES
    batch_every_s: float = Field(default=0.0, ge=0.0, le=3_600.0)


class Budget(_Section):
    """What the SIM may carry.

    Attributes:
        megabytes_per_month: of a million bytes, both ways; None has no cap.
        path: the file that keeps the count over restarts.
    """

    megabytes_per_month: float | None = Field(default=None, gt=0.0)
    path: Path = Path("/var/lib/tskaro/budget.json")

    @property
    def cap_bytes(self) -> int | None:
        """The cap in bytes; None without one."""
        megabytes = self.megabytes_per_month
        return None if megabytes is None else round(megabytes * _BYTES_PER_MEGABYTE)


class Door(_Section):
    """Where the running agent can be asked by programs on the same machine.

    Attributes:
        path: the Unix socket.
        group: whose members may ask; "" is the agent's own group.
    """

    path: Path = Path("/run/tskaro/edge.sock")
    group: str = ""


class Remote(_Section):
    """What the device is told from afar.

    Attributes:
        folder: where what it was told is kept; service mode survives a restart there.
    """

    folder: Path = Path("/var/lib/tskaro/remote")


class Update(_Section):
    """Signed updates of the software.

    Attributes:
        folder: where the versions are; the agent must run from `current` in it.
        launcher: the copy of `edge/launch.py` that starts them; nothing that the agent can write.
        key: the public key that updates are signed with, PEM; where there is none, no updates are taken.
        receipt_within_s: how long a new version has to get a receipt for an observation; else it is gone back from.
            Raised to the time that two observations take to come and be gathered.
    """

    folder: Path = Path("/opt/tskaro")
    launcher: Path = Path("/usr/local/lib/tskaro/launch.py")
    key: Path = Path("/etc/tskaro/update.pub")
    receipt_within_s: float = Field(default=1800.0, ge=1.0, le=86_400.0)


class LogFormat(StrEnum):
    """How a log line is written."""

    KEYVALUE = "keyvalue"
    JSON = "json"


class Log(_Section):
    """The agent's own log.

    Attributes:
        format: `keyvalue` for journald and people, `json` for machines.
        level: the least that is written.
    """

    format: LogFormat = LogFormat.KEYVALUE
    level: Literal["debug", "info", "warning", "error"] = "info"


class EdgeSettings(LayeredSettings):
    """All settings of the agent.

    Attributes:
        heartbeat_every_s: seconds from one health message to the next.
        device_config: the device's configuration file.
        certificates: folder of the calibration certificates made on this device.
        language: of what `tskaro-edge` says at the tap; `system` is that of LANG.
        trusts_clock: `always` for a machine with a clock of its own; else observations wait on the device until
            something has synchronised it.
        mqtt: the broker.
        outbox: the store on the device.
        uplink: how it is emptied.
        door: where it can be asked on the machine itself.
        remote: what it is told from afar.
        budget: what the SIM may carry.
        update: new versions of its software.
        log: the agent's log.
    """

    heartbeat_every_s: float = Field(default=900.0, gt=0.0, le=86_400.0)
    device_config: Path = Path("/etc/tskaro/device.toml")
    certificates: Path = Path("/var/lib/tskaro/certificates")
    language: Language | Literal["system"] = "system"
    trusts_clock: Literal["when_synchronised", "always"] = "when_synchronised"
    mqtt: Mqtt
    outbox: Outbox = Outbox()
    uplink: Uplink = Uplink()
    door: Door = Door()
    remote: Remote = Remote()
    budget: Budget = Budget()
    update: Update = Update()
    log: Log = Log()


def load_settings(path: Path = DEFAULT_PATH, *, secrets_dir: Path | None = None) -> EdgeSettings:
    """Read the agent's settings.

    Args:
        path: the TOML file.
        secrets_dir: folder of secret files; None is systemd's `$CREDENTIALS_DIRECTORY`, if there is one.

    Raises:
        ConfigRefused: with every problem as `file or variable: key: reason`; mended by the operator.
    """
    return load_layered(EdgeSettings, path, secrets_dir=secrets_dir)

"""The card as a whole: from what a device is to be, to the files of its boot partition.

Pure but for our own packaged files: parts in, files out; who writes them, and the wheels beside them, is
`server.card_writing`. Invariants: secrets lie where the first boot finds and removes them (`SECRETS`), and
nowhere else; `cmdline.txt` comes last, since it is what arms the rest.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import PurePosixPath

from firmware_config.card.boot import STOCK_CMDLINE, STOCK_CONFIG, cmdline_txt, config_txt
from firmware_config.card.needs import Needs, needs_of
from firmware_config.card.network import Network, Wifi
from firmware_config.device import DeviceConfig
from waterquality.errors import ConfigError

FOLDER = PurePosixPath("tskaro")
WHEELS = FOLDER / "wheels"
LOGIN = "technician"
SECRETS = (FOLDER / "device.key", FOLDER / "network")
_SSH_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+) [A-Za-z0-9+/=]+( \S.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What the device shows the broker, and knows it by; PEM.

    Attributes:
        authority: the authority's certificate.
        certificate: its own.
        key: its key.
    """

    authority: bytes
    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a device is to be.

    Attributes:
        config: what is wired to it.
        device_toml: the same, as the file that was read.
        papers: its certificate and key.
        broker: name or address of the broker.
        broker_port: its TCP port.
        networks: beside a cable, which always works.
        made_at: now; the Pi's clock does not start below it.
        version: of the software that the wheels hold.
        timezone: of the machine; records are in UTC whatever it is.
        ssh_keys: who may log in, as lines of `authorized_keys`; none leaves SSH off.
        update_key: the public key that updates of the software are signed with, PEM; b"" takes none.
    """

    config: DeviceConfig
    device_toml: str
    papers: Papers
    broker: str
    broker_port: int
    networks: tuple[Network, ...] = ()
    made_at: datetime
    version: str
    timezone: str = "Asia/Tbilisi"
    ssh_keys: tuple[str, ...] = ()
    update_key: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what could not be written down.

        Raises:
            ConfigError: no broker, time zone or key is written so; mended by the operator.
        """
        if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", self.broker):
            raise ConfigError(
                f"{self.broker!r} is no name or address of a broker: --broker, or authority.broker"
            )
        if not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}", self.timezone):
            raise ConfigError(f"{self.timezone!r} is no time zone, e.g. Asia/Tbilisi")
        if not all(_SSH_KEY.fullmatch(key) for key in self.ssh_keys):
            raise ConfigError("a key for SSH is a line that begins with ssh-ed25519, ssh-rsa or ecdsa-sha2-…")


@dataclass(frozen=True, slots=True)
class Boot:
    """The two files of the boot partition that we add to, as they are.

    Attributes:
        config: `config.txt`.
        cmdline: `cmdline.txt`.
    """

    config: str = STOCK_CONFIG
    cmdline: str = STOCK_CMDLINE


def render(card: Card, boot: Boot) -> Mapping[PurePosixPath, bytes]:
    """Every file of the card but the wheels, in the order in which they are to be written.

    Raises:
        ConfigError: the card is to do something else at its next boot; mended by the operator.
    """
    needs = needs_of(card.config)
    country = next((network.country for network in card.networks if isinstance(network, Wifi)), "")
    rendered: dict[PurePosixPath, bytes | str] = {
        FOLDER / "card.conf": _card_conf(card),
        FOLDER / "device.toml": card.device_toml,
        FOLDER / "edge.toml": _edge_toml(card),
        FOLDER / "ca.pem": card.papers.authority,
        FOLDER / "device.pem": card.papers.certificate,
        FOLDER / "device.key": card.papers.key,
        FOLDER / "modules.conf": _modules(needs),
        FOLDER / "tskaro-edge.service": packaged("tskaro-edge.service"),
    }
    for network in card.networks:
        rendered[FOLDER / "network" / f"tskaro-{type(network).__name__.lower()}.nmconnection"] = (
            network.keyfile()
        )
    if card.ssh_keys:
        rendered[FOLDER / "ssh_keys"] = "\n".join([*card.ssh_keys, ""])
        # Raspberry Pi OS switches the server on, and makes the user, who has no password.
        rendered[PurePosixPath("ssh")] = ""
        rendered[PurePosixPath("userconf.txt")] = f"{LOGIN}:*\n"
    if card.update_key:
        rendered[FOLDER / "update.pub"] = card.update_key
    rendered[PurePosixPath("firstrun.sh")] = packaged("firstrun.sh")
    rendered[PurePosixPath("config.txt")] = config_txt(boot.config, needs)
    rendered[PurePosixPath("cmdline.txt")] = cmdline_txt(boot.cmdline, needs, country=country)
    return {path: held if isinstance(held, bytes) else held.encode() for path, held in rendered.items()}


def packaged(name: str) -> str:
    """One of our own files that goes onto every card."""
    return (files("firmware_config") / "card" / "files" / name).read_text(encoding="utf-8")


def _card_conf(card: Card) -> str:
    """What the first boot script reads; every value is of letters that a shell leaves alone."""
    values = {
        "DEVICE": card.config.device,
        "TIMEZONE": card.timezone,
        "VERSION": card.version,
        "MADE_AT": int(card.made_at.timestamp()),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _edge_toml(card: Card) -> str:
    return (
        f"[mqtt]\nhost = {json.dumps(card.broker)}\nport = {card.broker_port}\n\n"
        '[mqtt.tls]\nca = "/etc/tskaro/tls/ca.pem"\n'
        'certificate = "/etc/tskaro/tls/device.pem"\nkey = "/etc/tskaro/tls/device.key"\n'
    )


def _modules(needs: Needs) -> str:
    """Kernel modules that nothing else loads: without i2c-dev there is a bus and no /dev/i2c-1."""
    return "i2c-dev\n" if needs.i2c else ""

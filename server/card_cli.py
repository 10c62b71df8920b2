"""`tskaro device card`: make the SD card of a device."""

import tomllib
from pathlib import Path
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError

from firmware_config.card.kit import device_toml
from firmware_config.card.network import Lte, Network, Wifi
from firmware_config.card.rendering import LOGIN, Card, Papers, render
from firmware_config.device import DeviceConfig, load_device_config
from firmware_config.refusal import config_error
from server.authority.records import Listed
from server.authority.safe import Credentials
from server.card_writing import read_boot, write_card
from server.device_cli import Id, Models, at_desk
from server.label import label_files, label_text
from server.saying import SettingsPath, err, say
from server.settings import DEFAULT_PATH
from server.wheelhouse import Machine, Wheels, gather
from waterquality.errors import ConfigError

_log = structlog.get_logger()
_MEGABYTE = 1_000_000


def card(
    id_: Id,
    to: Annotated[Path, typer.Option("--out", help="The boot partition of the card, or an empty folder.")],
    wheels: Annotated[Path, typer.Option(help="The folder with our wheel and all that it needs.")] = Path(
        "dist"
    ),
    download: Annotated[
        bool, typer.Option("--download", help="Fetch into that folder what is missing.")
    ] = False,
    machine: Annotated[Machine, typer.Option(help="What the Pi's system is built for.")] = Machine.AARCH64,
    wiring: Annotated[Path | None, typer.Option(help="What is wired to it: a device.toml.")] = None,
    probe: Models = None,
    wifi: Annotated[str, typer.Option(help="The name of a Wi-Fi network.")] = "",
    wifi_passphrase_file: Annotated[
        Path | None, typer.Option(help="Its passphrase; asked for without.")
    ] = None,
    country: Annotated[str, typer.Option(help="Whose radio rules hold.")] = "GE",
    apn: Annotated[str, typer.Option(help="The access point of a SIM card.")] = "",
    apn_user: Annotated[str, typer.Option(help="Its user, where the operator asks for one.")] = "",
    apn_password_file: Annotated[Path | None, typer.Option(help="Its password.")] = None,
    broker: Annotated[str, typer.Option(help="Where the broker is; else authority.broker.")] = "",
    timezone: Annotated[str, typer.Option(help="Of the machine; records are in UTC.")] = "Asia/Tbilisi",
    ssh_key: Annotated[Path | None, typer.Option(help="Who may log in: a public key file.")] = None,
    update_key: Annotated[
        Path | None,
        typer.Option(help="The public key that updates are signed with; without, none are taken."),
    ] = None,
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Make the SD card of a device. Software, settings, network, certificate and key, and a QR code."""
    with at_desk(settings) as desk:
        listed = desk.office.of(id_)
        text, config = _wired(id_, wiring, probe or listed.models)
        networks = _networks(
            _wifi(wifi, wifi_passphrase_file, country), _lte(apn, apn_user, apn_password_file)
        )
        papers = _papers(desk.office.papers(id_, desk.now))
        boot = read_boot(to)
        with err.status("gathering wheels"):
            gathered = gather(wheels, machine, download=download)
        made = Card(
            config=config,
            device_toml=text,
            papers=papers,
            broker=broker or desk.settings.authority.broker,
            broker_port=desk.settings.authority.broker_port,
            networks=networks,
            made_at=desk.now,
            version=gathered.version,
            timezone=timezone,
            ssh_keys=_lines(ssh_key) if ssh_key else (),
            update_key=_update_key(update_key) if update_key else b"",
        )
        label = label_text(id_, listed.water_point, desk.settings.web.public_url)
        with err.status("writing the card"):
            write_card(to, {**label_files(id_, label), **render(made, boot)}, gathered)
        desk.office.set_probes(id_, [each.model for each in config.probes])
        _log.info("card_written", device=id_, version=gathered.version, machine=str(machine))
    _tell(listed, made, gathered, to)


def _wired(
    device_id: str, wiring: Path | None, models: tuple[str, ...] | list[str]
) -> tuple[str, DeviceConfig]:
    """The wiring as text and as read, from a file or from the kit of these models."""
    if wiring is not None:
        config = load_device_config(wiring)
        if config.device != device_id:
            raise ConfigError(f"{wiring}: device: is {config.device}, and the card is for {device_id}")
        return wiring.read_text(encoding="utf-8"), config
    text = device_toml(device_id, models)
    try:
        return text, DeviceConfig.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise config_error(f"the kit of {', '.join(models)}", error, DeviceConfig) from error


def _wifi(ssid: str, passphrase: Path | None, country: str) -> Wifi | None:
    if not ssid:
        return None
    said = _lines(passphrase)[0] if passphrase else typer.prompt(f"Passphrase of {ssid}", hide_input=True)
    return Wifi(ssid=ssid, passphrase=said, country=country)


def _lte(apn: str, user: str, password: Path | None) -> Lte | None:
    if not apn:
        return None
    return Lte(apn=apn, username=user, password=_lines(password)[0] if password else "")


def _networks(*networks: Network | None) -> tuple[Network, ...]:
    return tuple(network for network in networks if network is not None)


def _papers(credentials: Credentials) -> Papers:
    return Papers(authority=credentials.authority, certificate=credentials.certificate, key=credentials.key)


def _update_key(file: Path) -> bytes:
    """The public key of updates.

    Raises:
        ConfigError: it cannot be read, or is none, or is the private one; mended by the operator.
    """
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    if not pem.startswith(b"-----BEGIN PUBLIC KEY-----"):
        raise ConfigError(f"{file}: holds no public key in PEM form; `tskaro update keygen` makes one")
    return pem


def _lines(file: Path) -> tuple[str, ...]:
    """The lines of a file that hold something.

    Raises:
        ConfigError: it cannot be read or holds nothing; mended by the operator.
    """
    try:
        lines = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if not lines:
        raise ConfigError(f"{file}: is empty")
    return lines


def _tell(listed: Listed, made: Card, wheels: Wheels, to: Path) -> None:
    size = sum(wheel.stat().st_size for wheel in wheels.files) / _MEGABYTE
    ways = ", ".join(["cable", *(type(network).__name__ for network in made.networks)])
    say(
        f"{listed.device}: {len(made.config.probes)} probes, broker {made.broker}:{made.broker_port}, by {ways}"
    )
    say(f"{to}: tskaro {made.version} and what it needs, {len(wheels.files)} wheels, {size:.0f} MB")
    for probe in made.config.probes:
        at = ", ".join(f"{key} {value}" for key, value in probe.input.model_dump(exclude_unset=True).items())
        say(f"wire {probe.parameter}, {probe.model}: {at}")
    if made.ssh_keys:
        say(f"log in: ssh {LOGIN}@{listed.device}.local")
    say(f"stick the label onto the box: {to / f'label-{listed.device}.png'}")
    say("next: eject the card, put it into the Pi, switch it on; after a few minutes it is heard:")
    say("      tskaro device list")

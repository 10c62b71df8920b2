"""`tskaro broker`: what the MQTT broker is told, made from these settings."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from firmware_config.whole_file import PRIVATE, PUBLIC, replace_file
from server.broker.configuration import FOLDER, Doors, device_acl, mosquitto_conf, password_line, server_acl
from server.device_cli import at_desk
from server.saying import SettingsPath, say
from server.settings import DEFAULT_PATH, ServerSettings
from waterquality.errors import ConfigError

broker = typer.Typer(name="broker", no_args_is_help=True, help="The MQTT broker.")
_HERE = ("localhost", "127.0.0.1")


@broker.command()
def configure(
    to: Annotated[Path, typer.Option("--out", help="Where the broker's files go.")],
    folder: Annotated[Path, typer.Option(help="Where the broker is going to find them.")] = FOLDER,
    listen: Annotated[str, typer.Option(help="Address for devices; without it, every one.")] = "",
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Make Mosquitto's configuration and lists.

    Access lists, the password file and the list of revoked certificates lie beside the configuration.
    """
    with at_desk(settings) as desk:
        doors = _doors(desk.settings, folder, listen)
        password = desk.settings.mqtt.password
        assert password is not None  # the settings refuse a username without one
        line = password_line(doors.username, password.get_secret_value(), secrets.token_bytes(12))
        desk.office.open(desk.now)
        texts = {
            "tskaro.conf": (mosquitto_conf(doors), PUBLIC),
            "devices.acl": (device_acl(), PUBLIC),
            "server.acl": (server_acl(doors.username), PUBLIC),
            "server.passwd": (line, PRIVATE),
            "crl.pem": (desk.office.safe.revocations.read_text(encoding="ascii"), PUBLIC),
        }
        try:
            to.mkdir(parents=True, exist_ok=True)
            for name, (text, mode) in texts.items():
                replace_file(to / name, text.encode(), mode=mode)
        except OSError as error:
            raise ConfigError(f"{to}: cannot be written: {error.strerror}") from error
    say(f"{to}: {', '.join(texts)}")
    say(f"devices: port {doors.port}; the server: 127.0.0.1, port {doors.server_port}, as {doors.username}")


def _doors(settings: ServerSettings, folder: Path, listen: str) -> Doors:
    mqtt = settings.mqtt
    if not mqtt.username:
        raise ConfigError("mqtt.username: the broker asks the server for a name and a password; set both")
    if mqtt.host not in _HERE or mqtt.port == settings.authority.broker_port:
        raise ConfigError(
            f"mqtt.host, mqtt.port: {mqtt.host}:{mqtt.port} is not the server's own door on the broker's machine; "
            "this configuration is for a broker beside the server"
        )
    return Doors(
        folder=folder,
        listen=listen,
        port=settings.authority.broker_port,
        server_port=mqtt.port,
        username=mqtt.username,
    )

"""What is written behind an option of `tskaro-demo replay`, made into what the replay needs, or plainly refused."""

import socket
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.bus.mqtt import BrokerAddress
from server.store.influx import Basic, InfluxReadingStore, InfluxSettings
from server.store.port import ReadingStore
from server.store.sqlite import SqliteReadingStore
from waterquality.errors import ConfigError

_BROKER_WITHIN_S = 5.0
_PORTS = range(1, 65536)


def zone(name: str) -> ZoneInfo | None:
    """`--tz`: a time zone; None when nothing is written.

    Raises:
        ConfigError: there is no such zone; mended by who typed it.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"--tz: {name!r} is no time zone; write one like Asia/Tbilisi or Etc/GMT+7"
        ) from error


def speed(text: str) -> float | None:
    """`--speed`: seconds of the record in one real second; None for as fast as can be.

    Raises:
        ConfigError: it is no such number; mended by who typed it.
    """
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ConfigError(f"--speed: {text!r} is neither max nor a number above 0")
    return factor


def broker(text: str) -> BrokerAddress | None:
    """`--broker`: one that answers now, since a replay would wait for it without end; None when nothing is written.

    Raises:
        ConfigError: it is no address, or nobody answers there; mended by who typed it.
    """
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) not in _PORTS:
        raise ConfigError(f"--broker: {text!r} is not HOST:PORT, e.g. localhost:1883")
    try:
        socket.create_connection((host, int(port)), timeout=_BROKER_WITHIN_S).close()
    except OSError as error:
        raise ConfigError(f"--broker: nobody answers at {text} ({error})") from error
    return BrokerAddress(host, int(port))


def store(text: str, folder: Path) -> ReadingStore:
    """`--store`: InfluxDB by URL, or a file; one in the folder when nothing is written.

    Raises:
        ConfigError: the URL names no database; mended by who typed it.
        StoreUnavailable: it cannot be reached or written.
    """
    if not text.startswith(("http://", "https://")):
        file = SqliteReadingStore(Path(text) if text else folder / "readings.db")
        file.prepare()
        return file
    parts = urlsplit(text)
    database = parts.path.strip("/")
    if not database:
        raise ConfigError(f"--store: {text!r} names no database; write http://HOST:PORT/DATABASE")
    auth = Basic(parts.username, parts.password or "") if parts.username else None
    url = f"{parts.scheme}://{parts.hostname}:{parts.port or 8086}"
    influx = InfluxReadingStore(InfluxSettings(url=url, database=database, auth=auth))
    influx.prepare()
    return influx

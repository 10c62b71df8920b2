"""How the device reaches the network, as NetworkManager's keyfiles: what Raspberry Pi OS 12 reads.

Pure. A Wi-Fi passphrase is turned into the key that it stands for (IEEE 802.11i, PBKDF2 of 4096 rounds), so that
the card does not tell what people use elsewhere too. A cable needs no file.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass, field

from waterquality.errors import ConfigError

_PLAIN_SSID = re.compile(r"[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*")
_NAMES = uuid.UUID("5f0a3c1e-2b64-5d0c-9a37-6d2f1b7e8c90")  # our own, so that the same network is named alike
_LONGEST_SSID = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wifi:
    """A Wi-Fi network.

    Attributes:
        ssid: its name.
        passphrase: 8 to 63 signs; "" for an open network.
        country: whose radio rules hold, two capital letters.

    Raises:
        ConfigError: no network can be named or locked so; mended by the operator.
    """

    ssid: str
    passphrase: str = field(default="", repr=False)
    country: str = "GE"

    def __post_init__(self) -> None:
        """Refuse what no network can be."""
        if not 0 < len(self.ssid.encode()) <= _LONGEST_SSID:
            raise ConfigError("the name of a Wi-Fi network has 1 to 32 bytes")
        if self.passphrase and not re.fullmatch(r"[ -~]{8,63}", self.passphrase):
            raise ConfigError("a Wi-Fi passphrase has 8 to 63 letters, digits and signs of ASCII")
        if not re.fullmatch("[A-Z]{2}", self.country):
            raise ConfigError(f"{self.country!r} is no country: two capital letters, e.g. GE")

    def keyfile(self) -> str:
        """What NetworkManager reads."""
        lines = [*_connection("tskaro-wifi", "wifi"), "[wifi]", "mode=infrastructure", f"ssid={self._ssid()}"]
        # Power saving drops the line for seconds at a time on the Pi's own chip.
        lines += ["powersave=2", ""]
        if self.passphrase:
            lines += ["[wifi-security]", "key-mgmt=wpa-psk", f"psk={self._key()}", ""]
        return "\n".join([*lines, *_ADDRESSES])

    def _key(self) -> str:
        return hashlib.pbkdf2_hmac("sha1", self.passphrase.encode(), self.ssid.encode(), 4096, 32).hex()

    def _ssid(self) -> str:
        """As text where that is safe, else byte by byte, which the keyfile reads as well."""
        if _PLAIN_SSID.fullmatch(self.ssid):
            return self.ssid
        return "".join(f"{byte};" for byte in self.ssid.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lte:
    """A modem that ModemManager knows. A stick that calls itself a network card needs nothing.

    Attributes:
        apn: the operator's access point.
        username: "" where the operator asks for none.
        password: likewise.

    Raises:
        ConfigError: no access point is named so; mended by the operator.
    """

    apn: str
    username: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse what no access point can be."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", self.apn):
            raise ConfigError(f"{self.apn!r} is no access point name: letters, digits, dots and hyphens")
        if not all(re.fullmatch(r"[!-~]*", word) for word in (self.username, self.password)):
            raise ConfigError("user and password of an access point are ASCII without blanks")

    def keyfile(self) -> str:
        """What NetworkManager reads."""
        lines = [*_connection("tskaro-lte", "gsm"), "[gsm]", f"apn={self.apn}"]
        lines += [f"username={self.username}"] if self.username else []
        lines += [f"password={self.password}"] if self.password else []
        return "\n".join([*lines, "", *_ADDRESSES])


Network = Wifi | Lte
_ADDRESSES = ("[ipv4]", "method=auto", "", "[ipv6]", "method=auto", "")


def _connection(name: str, kind: str) -> list[str]:
    # Tried for ever: by default NetworkManager gives up after four failures.
    own = uuid.uuid5(_NAMES, name)
    return ["[connection]", f"id={name}", f"uuid={own}", f"type={kind}", "autoconnect-retries=0", ""]

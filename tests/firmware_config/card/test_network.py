"""Networks as NetworkManager reads them; the real one reads them in `tests/journeys/test_first_boot.py`."""

import configparser

import pytest

from firmware_config.card.network import Lte, Wifi
from waterquality.errors import ConfigError


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(text)
    return parser


def test_the_key_of_a_passphrase_is_that_of_the_standard() -> None:
    """IEEE 802.11i, annex H.4.3, test case 1."""
    key = read(Wifi(ssid="IEEE", passphrase="password").keyfile())["wifi-security"]["psk"]

    assert key == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"


def test_an_open_network_has_no_security() -> None:
    assert "wifi-security" not in read(Wifi(ssid="Cafe").keyfile())


@pytest.mark.parametrize("ssid", ["ჩვენი სახლი", " x", "a;b", "65;66;", "\\n"])
def test_a_name_that_could_be_misread_is_written_byte_by_byte(ssid: str) -> None:
    written = read(Wifi(ssid=ssid).keyfile())["wifi"]["ssid"]

    assert bytes(int(byte) for byte in written.split(";") if byte).decode() == ssid


def test_nobody_gives_up() -> None:
    for network in (Wifi(ssid="Cafe"), Lte(apn="internet")):
        assert read(network.keyfile())["connection"]["autoconnect-retries"] == "0"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Wifi(ssid=""), "1 to 32 bytes"),
        (lambda: Wifi(ssid="წ" * 11), "1 to 32 bytes"),
        (lambda: Wifi(ssid="Cafe", passphrase="short"), "8 to 63"),
        (lambda: Wifi(ssid="Cafe", passphrase="line\nbreak"), "8 to 63"),
        (lambda: Wifi(ssid="Cafe", country="Georgia"), "two capital letters"),
        (lambda: Lte(apn="a b"), "no access point name"),
        (lambda: Lte(apn="internet", password="a\nb"), "ASCII without blanks"),
    ],
)
def test_what_no_network_can_be_is_refused(make, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


def test_no_passphrase_shows_in_what_is_printed() -> None:
    assert "correct horse" not in repr(Wifi(ssid="Cafe", passphrase="correct horse"))
    assert "correct horse" not in Wifi(ssid="Cafe", passphrase="correct horse").keyfile()

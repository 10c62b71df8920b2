"""`tskaro device card` as an administrator types it; what the card then does is in `tests/journeys`."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from server.label import label_files, label_text
from tests.fakes.empty_wheel import lay
from tests.fakes.office import AdministratorsDesk

OF_RASPBERRY_PI_OS = {
    "config.txt": "# mine\ndtparam=audio=on\n",
    "cmdline.txt": "console=tty1 root=PARTUUID=4e639091-02 rootwait\n",
}


@pytest.fixture
def desk(tmp_path: Path) -> AdministratorsDesk:
    desk = AdministratorsDesk(tmp_path)
    desk.tskaro("device", "create", "kk-0007", "--water-point", "algeti", "--probe", "sen0189")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "boot").mkdir()
    lay(tmp_path / "wheels", "tskaro", "0.1.0", needs="Provides-Extra: edge\n")
    lay(tmp_path / "wheels", "pip", "26.0")
    for name, text in OF_RASPBERRY_PI_OS.items():
        (tmp_path / "boot" / name).write_text(text)
    return desk


def card(
    desk: AdministratorsDesk, *words: object, device: str = "kk-0007", to: str = "boot", code: int = 0
) -> subprocess.CompletedProcess[str]:
    where = ("--out", desk.folder / to, "--wheels", desk.folder / "wheels")
    return desk.tskaro("device", "card", device, *where, *words, code=code)


def test_a_card_is_the_system_that_was_there_and_all_that_the_device_is(desk: AdministratorsDesk) -> None:
    done = card(desk)

    boot = desk.folder / "boot"
    assert (boot / "config.txt").read_text().startswith(OF_RASPBERRY_PI_OS["config.txt"])
    assert "dtparam=spi=on" in (boot / "config.txt").read_text()
    assert (boot / "cmdline.txt").read_text().startswith("console=tty1 root=PARTUUID=4e639091-02 rootwait ")
    assert sorted(each.name for each in (boot / "tskaro/wheels").iterdir()) == [
        "pip-26.0-py3-none-any.whl",
        "tskaro-0.1.0-py3-none-any.whl",
    ]
    assert f"stick the label onto the box: {boot}/label-kk-0007.png" in done.stdout
    assert "wire turbidity, sen0189: converter adc0, channel 0, divider 1.5" in done.stdout
    assert (boot / "firstrun.sh").stat().st_mode & 0o111


def test_a_second_card_is_like_the_first(desk: AdministratorsDesk) -> None:
    card(desk)
    first = {path: path.read_bytes() for path in (desk.folder / "boot").rglob("*") if path.is_file()}
    card(desk)
    second = {path: path.read_bytes() for path in (desk.folder / "boot").rglob("*") if path.is_file()}

    assert first.keys() == second.keys()
    assert [path.name for path, held in first.items() if second[path] != held] == [
        "card.conf"
    ]  # when it was made


def test_an_empty_folder_becomes_one_that_can_be_copied_onto_a_card(desk: AdministratorsDesk) -> None:
    card(desk, to="empty")

    assert "root=/dev/mmcblk0p2 " in (desk.folder / "empty/cmdline.txt").read_text()


def test_the_registry_follows_the_wiring_on_the_card(desk: AdministratorsDesk) -> None:
    card(desk, "--probe", "sen0161-v2", "--probe", "yf-s201")

    written = tomllib.loads((desk.folder / "boot/tskaro/device.toml").read_text())
    assert sorted(probe["model"] for probe in written["probes"]) == ["sen0161-v2", "yf-s201"]
    assert sorted(desk.listed()["kk-0007"]["probes"]) == ["sen0161-v2", "yf-s201"]


def test_a_card_that_cannot_be_made_is_refused_and_nothing_is_written(desk: AdministratorsDesk) -> None:
    other = desk.folder / "other.toml"
    other.write_text(
        'schema_version = 1\ndevice = "kk-0008"\n[[probes]]\nparameter = "flow"\nmodel = "yf-s201"\n'
        "input = { pin = 17, pulses_per_litre = 450.0 }\n"
    )
    (desk.folder / "photos").mkdir()
    (desk.folder / "photos/cat.jpg").write_bytes(b"")
    refused = [
        ({"device": "kk-0070"}, (), "there is no device `kk-0070`"),
        ({"device": "kk-0001"}, (), "kk-0001 has no certificate yet: tskaro device create kk-0001"),
        ({}, ("--wiring", other), "device: is kk-0008, and the card is for kk-0007"),
        ({}, ("--probe", "pulse-meter"), "pulse-meter: how it is wired cannot be guessed"),
        ({}, ("--apn", "a b"), "'a b' is no access point name"),
        ({}, ("--ssh-key", other), "a key for SSH is a line"),
        ({}, ("--machine", "armv7l", "--timezone", "Tbilisi!"), "no time zone"),
        ({"to": "photos"}, (), "neither empty nor a boot partition of Raspberry Pi OS"),
    ]
    for where, words, said in refused:
        assert said in card(desk, *words, code=78, **where).stderr
    assert {path.name for path in (desk.folder / "boot").iterdir()} == set(OF_RASPBERRY_PI_OS)


def test_a_revoked_device_gets_no_card(desk: AdministratorsDesk) -> None:
    desk.tskaro("device", "revoke", "kk-0007", "--why", "stolen")

    done = card(desk, code=78)

    assert "the certificate of kk-0007 was revoked: tskaro device replace kk-0007" in done.stderr


def test_the_label_leads_to_the_water_point_or_says_the_device() -> None:
    assert label_text("kk-0007", "algeti", "https://water.example.org/") == (
        "https://water.example.org/ka/water-points/algeti?device=kk-0007"
    )
    assert label_text("kk-0007", "algeti", "") == "kk-0007"
    assert label_text("kk-0007", None, "https://water.example.org") == "kk-0007"
    drawing, picture = label_files("kk-0007", "kk-0007").values()
    assert b"<title>kk-0007</title>" in drawing
    assert picture.startswith(b"\x89PNG")

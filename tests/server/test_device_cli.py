"""`tskaro device` and `tskaro authority` as an administrator types them."""

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import select

from server.composing import open_database
from server.database.models import Deployment, DeviceCertificate, Probe
from server.settings import load_settings
from tests.fakes.office import AdministratorsDesk


class Village(AdministratorsDesk):
    """A server with two water points, and two devices that a registry file brought."""

    def create(self, device: str = "kk-0007", *words: object) -> None:
        self.tskaro("device", "create", device, "--water-point", "algeti", *words)

    def rows(self, table: type) -> list[dict[str, object]]:
        database = open_database(load_settings(self.settings))
        with database.reading() as connection:
            found = [dict(row) for row in connection.execute(select(table.__table__)).mappings()]  # type: ignore[attr-defined]
        database.close()
        return found


@pytest.fixture
def village(tmp_path: Path) -> Village:
    return Village(tmp_path)


def test_the_first_device_brings_the_authority_and_is_listed_with_its_certificate(village: Village) -> None:
    village.create("kk-0007", "--probe", "sen0189", "--probe", "yf-s201")

    listed = village.listed()["kk-0007"]
    assert (listed["water_point"], listed["certificate"], listed["last_seen"]) == ("algeti", "valid", None)
    assert listed["probes"] == ["yf-s201", "sen0189"]
    assert "0 certificates" in village.tskaro("authority", "show").stdout


def test_no_key_can_be_read_by_anybody_else(village: Village) -> None:
    village.create()

    keys = list(village.safe.rglob("*key.pem"))
    assert len(keys) == 2
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((village.safe / "crl.pem").stat().st_mode) == 0o644


def test_a_device_that_exists_is_refused_and_nothing_changes(village: Village) -> None:
    village.create()
    before = village.rows(DeviceCertificate), village.rows(Deployment)

    done = village.tskaro("device", "create", "kk-0007", "--water-point", "kosalari", code=78)

    assert "kk-0007 exists already, at algeti" in done.stderr
    assert "tskaro device replace kk-0007" in done.stderr
    assert (village.rows(DeviceCertificate), village.rows(Deployment)) == before


def test_a_device_of_a_registry_file_gets_its_first_certificate_where_it_stands(village: Village) -> None:
    probes = village.rows(Probe)

    village.tskaro("device", "create", "kk-0002")

    assert village.listed()["kk-0002"]["certificate"] == "valid"
    assert village.listed()["kk-0002"]["water_point"] == "kosalari"
    assert village.rows(Probe) == probes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("kk-0009", "--water-point", "algetti"),
            "there is no water point `algetti`; did you mean `algeti`?",
        ),
        (("kk-0009",), "where does it stand? Say --water-point ID"),
        (("pump", "--water-point", "algeti"), "'pump' is no device id"),
        (("kk-0009", "--water-point", "algeti", "--probe", "sen189"), "did you mean `sen0189`"),
        (
            ("kk-0009", "--water-point", "algeti", "--probe", "sen0189", "--probe", "analog-nephelometer"),
            "turbidity is measured by sen0189 and analog-nephelometer",
        ),
    ],
    ids=["a misspelt place", "no place", "no device id", "a misspelt probe", "two probes for one thing"],
)
def test_a_slip_is_refused_with_what_to_do(village: Village, words: tuple[str, ...], said: str) -> None:
    done = village.tskaro("device", "create", *words, code=78)

    assert said in done.stderr
    assert "kk-0009" not in village.listed()


def test_a_replaced_device_has_a_new_certificate_and_stands_where_it_stood(village: Village) -> None:
    village.create()
    stays = village.rows(Deployment)

    village.tskaro("device", "replace", "kk-0007", "--why", "lightning")

    old, new = sorted(village.rows(DeviceCertificate), key=lambda row: row["revoked_ms"] is None)
    assert (old["why"], new["revoked_ms"]) == ("lightning", None)
    assert village.rows(Deployment) == stays
    assert village.listed()["kk-0007"]["certificate"] == "valid"
    revoked = x509.load_pem_x509_crl((village.safe / "crl.pem").read_bytes())
    assert [f"{each.serial_number:x}" for each in revoked] == [old["serial"]]


def test_revoking_is_booked_and_logged_and_saying_it_again_writes_the_list_anew(village: Village) -> None:
    village.create()

    done = village.tskaro("device", "revoke", "kk-0007", "--why", "stolen", SUDO_USER="nino")
    (village.safe / "crl.pem").unlink()
    again = village.tskaro("device", "revoke", "kk-0007", "--why", "stolen")

    (line,) = [json.loads(line) for line in done.stderr.splitlines() if "device_revoked" in line]
    assert (line["device"], line["why"], line["by"], line["revoked"]) == ("kk-0007", "stolen", "nino", 1)
    assert "crl.pem is written anew" in done.stdout
    assert "nothing was left to take back" in again.stdout
    assert len(x509.load_pem_x509_crl((village.safe / "crl.pem").read_bytes())) == 1
    assert village.listed()["kk-0007"]["certificate"] == "revoked"


@pytest.mark.parametrize("command", ["revoke", "replace"])
def test_an_unknown_device_is_refused_with_the_nearest_one(village: Village, command: str) -> None:
    village.create()

    done = village.tskaro("device", command, "kk-0070", "--why", "x", code=78)

    assert "there is no device `kk-0070`; did you mean `kk-000" in done.stderr


def test_a_passphrase_locks_the_keys_and_the_wrong_one_is_refused_by_name(village: Village) -> None:
    right = {"TSKARO_AUTHORITY__PASSPHRASE": "წყარო სუფთაა"}
    village.tskaro("device", "create", "kk-0007", "--water-point", "algeti", **right)

    keys = [key.read_text() for key in village.safe.rglob("*key.pem")]
    assert all("BEGIN ENCRYPTED PRIVATE KEY" in key for key in keys)
    for given in ({}, {"TSKARO_AUTHORITY__PASSPHRASE": "wrong"}):
        done = village.tskaro("device", "replace", "kk-0007", code=78, **given)
        assert "tskaro_authority_passphrase" in done.stderr
    village.tskaro("device", "replace", "kk-0007", **right)


def test_the_broker_gets_a_certificate_of_the_same_authority(village: Village, tmp_path: Path) -> None:
    done = village.tskaro("authority", "broker", "water.example.org", "10.0.0.5", "--out", tmp_path / "tls")

    assert f"tskaro broker configure --out {tmp_path}/tls" in done.stdout
    authority, broker = (
        x509.load_pem_x509_certificate((tmp_path / "tls" / name).read_bytes())
        for name in ("ca.pem", "broker.pem")
    )
    broker.verify_directly_issued_by(authority)
    assert stat.S_IMODE((tmp_path / "tls" / "broker.key").stat().st_mode) == 0o600


def test_the_broker_is_told_where_its_doors_are_and_the_password_only_as_a_hash(
    village: Village, tmp_path: Path
) -> None:
    done = village.tskaro("broker", "configure", "--out", tmp_path / "tls", "--folder", "/etc/elsewhere")

    files = {path.name: path.read_text() for path in (tmp_path / "tls").iterdir()}
    assert set(files) == {"tskaro.conf", "devices.acl", "server.acl", "server.passwd", "crl.pem"}
    assert f"listener {village.tls_port}\n" in files["tskaro.conf"]
    assert f"listener {village.port} 127.0.0.1\n" in files["tskaro.conf"]
    assert "crlfile /etc/elsewhere/crl.pem\n" in files["tskaro.conf"]
    assert stat.S_IMODE((tmp_path / "tls" / "server.passwd").stat().st_mode) == 0o600
    assert not any("53rv3r" in text for text in [*files.values(), done.stdout, done.stderr])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("HOST", "broker.example.org", "is not the server's own door"), ("USERNAME", "", "set both")],
)
def test_a_server_that_is_not_beside_the_broker_or_has_no_name_there_is_refused(
    village: Village, tmp_path: Path, key: str, value: str, said: str
) -> None:
    words = ("broker", "configure", "--out", tmp_path / "tls")
    done = village.tskaro(*words, code=78, **{f"TSKARO_MQTT__{key}": value})

    assert said in done.stderr
    assert not (tmp_path / "tls").exists()


def test_people_see_how_many_days_a_certificate_has_and_who_has_none(tmp_path: Path) -> None:
    village = Village(tmp_path)
    village.create()

    shown = village.tskaro("device", "list").stdout

    assert "729 days" in shown
    assert "none" in shown

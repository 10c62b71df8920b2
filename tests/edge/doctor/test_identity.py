"""The device's certificate: there, readable, whole, and not about to expire; and what a real broker makes of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge.doctor.findings import Severity
from edge.doctor.identity import identity
from edge.doctor.login import way_to
from edge.settings import Tls
from edge.uplink import Broker
from firmware_config.tls import client_context
from tests.edge.doctor.papers import NOW, Authority
from tests.services.mosquitto import Mosquitto

DEVICE = "kk-0007"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path)
    authority.issue(DEVICE)
    authority.issue("broker")
    return authority


def tls_of(folder: Path, *, ca: str = "ca", device: str = DEVICE) -> Tls:
    return Tls(ca=folder / f"{ca}.pem", certificate=folder / f"{device}.pem", key=folder / f"{device}.key")


def test_a_valid_certificate_is_well_with_its_last_day(authority: Authority) -> None:
    own, ca = identity(tls_of(authority.folder), NOW)

    assert (own.what, own.severity, ca.severity) == ("certificate", Severity.WELL, Severity.WELL)
    assert own.words.values["day"] == f"{NOW + timedelta(days=365):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("now", "severity"),
    [
        (NOW + timedelta(days=334), Severity.WELL),
        (NOW + timedelta(days=336), Severity.LOOK),
        (NOW + timedelta(days=366), Severity.BROKEN),
        (NOW - timedelta(days=401), Severity.BROKEN),  # a clock that starts in 1970
    ],
)
def test_a_certificate_is_judged_by_its_days(authority: Authority, now: datetime, severity: Severity) -> None:
    own, *_ = identity(tls_of(authority.folder), now)

    assert own.severity is severity
    assert (own.mend is None) is (severity is Severity.WELL)


def test_a_missing_or_foreign_key_is_broken(authority: Authority) -> None:
    (authority.folder / f"{DEVICE}.key").write_bytes((authority.folder / "broker.key").read_bytes())

    (found,) = identity(tls_of(authority.folder), NOW)

    assert (found.what, found.severity) == ("certificate", Severity.BROKEN)
    assert "does not belong" in str(found.words.values["why"])


def test_a_device_that_speaks_in_the_clear_has_none() -> None:
    assert list(identity(None, NOW)) == []


@pytest.fixture
def broker(authority: Authority) -> Iterator[Mosquitto]:
    folder = authority.folder
    lines = (
        f"cafile {folder}/ca.pem",
        f"certfile {folder}/broker.pem",
        f"keyfile {folder}/broker.key",
        "require_certificate true",
        "use_identity_as_username true",
    )
    with Mosquitto(settings=lines) as guarded:
        yield guarded


def way(port: int, tls: Tls) -> dict[str, Severity]:
    context = client_context(tls.ca, tls.certificate, tls.key)
    return {each.what: each.severity for each in way_to(Broker("127.0.0.1", port, tls=context), DEVICE)}


@pytest.mark.integration
def test_a_broker_that_knows_us_lets_us_in(authority: Authority, broker: Mosquitto) -> None:
    assert set(way(broker.port, tls_of(authority.folder)).values()) == {Severity.WELL}


@pytest.mark.integration
def test_a_broker_that_we_do_not_trust_is_told_at_the_handshake(
    authority: Authority, broker: Mosquitto
) -> None:
    Authority(authority.folder, "other")

    found = way(broker.port, tls_of(authority.folder, ca="other"))

    assert found["broker.tls"] is Severity.BROKEN
    assert "broker.login" not in found


@pytest.mark.integration
def test_a_certificate_that_the_broker_does_not_take_is_told_at_the_login(
    authority: Authority, broker: Mosquitto
) -> None:
    Authority(authority.folder, "other").issue("stranger")

    found = way(broker.port, tls_of(authority.folder, device="stranger"))

    assert Severity.BROKEN in (found["broker.tls"], found.get("broker.login"))

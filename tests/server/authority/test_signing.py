"""What the authority signs, read by another library: OpenSSL's own programs and Python's ssl."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from server.authority.signing import (
    Revoked,
    issue_to_broker,
    issue_to_device,
    new_signer,
    pem_of,
    revocation_list,
)
from waterquality.errors import ConfigError

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAYS = timedelta(days=730)


def openssl(*words: object) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_openssl_finds_a_device_certificate_good_for_clients_and_for_nothing_else(tmp_path):
    signer = new_signer(NOW, 10 * DAYS)
    (tmp_path / "ca.pem").write_bytes(pem_of(signer.certificate))
    (tmp_path / "device.pem").write_bytes(issue_to_device(signer, "kk-0007", NOW, DAYS).certificate)
    at = ("-attime", int(NOW.timestamp()), "-x509_strict", "-CAfile", tmp_path / "ca.pem")

    assert ": OK" in openssl("verify", *at, "-purpose", "sslclient", tmp_path / "device.pem")
    assert "unsuitable certificate purpose" in openssl(
        "verify", *at, "-purpose", "sslserver", tmp_path / "device.pem"
    )
    told = openssl("x509", "-in", tmp_path / "device.pem", "-noout", "-subject", "-ext", "extendedKeyUsage")
    assert "CN = kk-0007" in told
    assert "TLS Web Client Authentication" in told


def test_a_certificate_begins_a_day_early_for_slow_clocks_and_ends_when_said():
    issued = issue_to_device(new_signer(NOW, 10 * DAYS), "kk-0007", NOW, DAYS)

    assert (issued.not_before, issued.not_after) == (NOW - timedelta(days=1), NOW + DAYS)


def test_nothing_outlives_its_authority():
    with pytest.raises(ConfigError, match="would outlive the authority, which ends on 2026-12-24"):
        issue_to_device(new_signer(NOW, timedelta(days=30)), "kk-0007", NOW, DAYS)


def test_a_broker_is_known_by_all_its_names_and_addresses():
    issued = issue_to_broker(new_signer(NOW, 10 * DAYS), ["water.example.org", "10.1.2.3"], NOW, DAYS)

    names = x509.load_pem_x509_certificate(issued.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["water.example.org"]
    assert list(map(str, names.value.get_values_for_type(x509.IPAddress))) == ["10.1.2.3"]


def test_a_list_of_revocations_lasts_as_long_as_the_authority():
    signer = new_signer(NOW, 10 * DAYS)

    read = x509.load_pem_x509_crl(revocation_list(signer, [Revoked("1f", NOW)], NOW))
    assert [each.serial_number for each in read] == [0x1F]
    assert read.next_update_utc == signer.certificate.not_valid_after_utc
    assert read.is_signature_valid(signer.certificate.public_key())


def test_no_key_shows_in_what_is_printed():
    signer = new_signer(NOW, 10 * DAYS)

    assert "PRIVATE" not in repr(issue_to_device(signer, "kk-0007", NOW, DAYS))
    assert "key" not in repr(signer)

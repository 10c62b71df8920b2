"""Files for TLS that cannot be used are refused by name."""

import subprocess
from pathlib import Path

import pytest

from firmware_config.tls import client_context
from waterquality.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "other"):
        subprocess.run(
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} "
            f"-keyout {name}.key -out {name}.pem".split(),
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    subprocess.run(
        ["openssl", "ec", "-in", "one.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (tmp_path / "junk").write_text("no certificate")
    return tmp_path


def test_a_certificate_and_its_key_are_taken(folder: Path) -> None:
    context = client_context(folder / "one.pem", folder / "one.pem", folder / "one.key")
    assert context.get_ca_certs()[0]["subject"] == ((("commonName", "one"),),)


@pytest.mark.parametrize(
    ("ca", "certificate", "key", "reason"),
    [
        ("none.pem", "one.pem", "one.key", "none.pem: cannot be read: No such file"),
        ("one.pem", "none.pem", "one.key", "none.pem: cannot be read: No such file"),
        ("one.pem", "one.pem", "", "cannot be read: Is a directory"),
        ("junk", "one.pem", "one.key", "junk: holds no certificate"),
        ("one.pem", "junk", "one.key", "junk"),
        ("one.pem", "one.pem", "other.key", "other.key: the key does not belong to the certificate"),
        (
            "one.pem",
            "one.pem",
            "locked.key",
            "locked.key: no certificate and key in PEM form, or the key has a pass",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    folder: Path, ca: str, certificate: str, key: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        client_context(folder / ca, folder / certificate, folder / key)

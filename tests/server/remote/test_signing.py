"""Keys, bundles, signatures and who should run them: what the administrator types, and what it leads to."""

import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from server.remote.releases import Releases
from server.remote.signing import Artefact, make_bundle, make_keys, offer_of, sign, signed
from tests.fakes.programs import TSKARO, run
from tests.server.remote.test_courier import DEVICE, Office
from waterquality import topics
from waterquality.errors import ConfigError
from waterquality.wire.updates import (
    Progress,
    UpdateState,
    decode_manifest,
    decode_offer,
    encode_progress,
    signed_bytes,
)

NOW_MS = 1_763_900_101_250
OURS = "tskaro-0.2.0-py3-none-any.whl"


def wheels(folder: Path, *names: str) -> Path:
    place = folder / "wheels"
    place.mkdir(exist_ok=True)
    for name in names or (OURS, "pip-23.2.1-py3-none-any.whl"):
        (place / name).write_bytes(name.encode())
    return place


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "tskaro.bundle"
    make_bundle(wheels(tmp_path), path)
    make_keys(tmp_path / "u.key", tmp_path / "u.pub", b"")
    return path


def artefact(bundle: Path) -> Artefact:
    sign(
        bundle,
        bundle.with_name("u.key"),
        passphrase=b"",
        min_version="0.1.0",
        allows_downgrade=False,
        now_ms=NOW_MS,
    )
    return signed(bundle)


def test_what_is_signed_verifies_under_the_public_key_and_says_what_it_is(bundle: Path) -> None:
    found = artefact(bundle)
    key = load_pem_public_key(bundle.with_name("u.pub").read_bytes())

    assert isinstance(key, Ed25519PublicKey)
    key.verify(found.offer.signature, signed_bytes(found.offer.manifest))
    assert decode_manifest(found.offer.manifest) == found.manifest
    assert (found.manifest.version, found.manifest.size) == ("0.2.0", bundle.stat().st_size)


def test_a_key_behind_a_passphrase_signs_with_it_and_not_without(bundle: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "locked.key", tmp_path / "locked.pub", b"pass")
    given = {"min_version": "0.1.0", "allows_downgrade": False, "now_ms": NOW_MS}

    sign(bundle, tmp_path / "locked.key", passphrase=b"pass", **given)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the passphrase is not its own"):
        sign(bundle, tmp_path / "locked.key", passphrase=b"", **given)  # type: ignore[arg-type]


def test_keys_are_never_overwritten(bundle: Path) -> None:
    with pytest.raises(ConfigError, match=r"u\.key: cannot be written: File exists"):
        make_keys(bundle.with_name("u.key"), bundle.with_name("u.pub"), b"")


def test_a_bundle_that_was_changed_or_never_signed_is_not_published(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="sign the bundle first"):
        signed(bundle)
    artefact(bundle)
    bundle.write_bytes(bundle.read_bytes() + b"x")
    with pytest.raises(ConfigError, match="is not the file that was signed"):
        signed(bundle)


@pytest.mark.parametrize(
    "names", [["pip-1-py3-none-any.whl"], [OURS, "tskaro-0.1.0-py3-none-any.whl", "pip-1-py3-none-any.whl"]]
)
def test_a_folder_without_our_wheel_or_with_two_makes_no_bundle(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(ConfigError, match="should hold one wheel of tskaro"):
        make_bundle(wheels(tmp_path, *names), tmp_path / "b")


def test_a_folder_without_pip_makes_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="should hold one wheel of pip"):
        make_bundle(wheels(tmp_path, OURS), tmp_path / "b")


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_what_is_no_bundle_is_not_signed(bundle: Path, content: bytes) -> None:
    bundle.write_bytes(content)
    with pytest.raises(ConfigError, match="is no bundle of wheels"):
        artefact(bundle)


@pytest.fixture
def office(tmp_path: Path):
    made = Office(f"sqlite:///{tmp_path}/t.db")
    yield made
    made.database.close()


def told(
    office: Office, state: UpdateState, sha256: str, *, running: str = "0.1.0", reason: str = ""
) -> None:
    office.hear("update/applied", encode_progress(Progress(sha256, "0.2.0", state, running, reason)))
    office.turn()


def test_an_offer_is_carried_until_the_device_has_an_end_to_tell(office: Office, bundle: Path) -> None:
    releases, found = Releases(office.database), artefact(bundle)
    releases.publish(found, "https://x/b", devices=[DEVICE], who="Nino", now_ms=NOW_MS)

    ((topic, payload, is_retained),) = office.turn()
    assert (topic, is_retained) == (topics.of_device(DEVICE, "update"), True)
    offer = decode_offer(payload)
    assert (offer.url, offer.manifest, offer.signature) == (
        "https://x/b",
        found.offer.manifest,
        found.offer.signature,
    )
    told(office, UpdateState.UNDER_WAY, found.manifest.sha256, reason="fetching it")
    office.courier.is_connected(connected=True)
    assert len(office.turn()) == 1
    told(office, UpdateState.ROLLED_BACK, found.manifest.sha256, reason="no receipt within 30 min")
    office.courier.is_connected(connected=True)
    assert office.turn() == []
    (standing,) = releases.standings()
    assert (standing.wanted, standing.running, standing.state, standing.reason, standing.who) == (
        "0.2.0",
        "0.1.0",
        "rolled_back",
        "no receipt within 30 min",
        "Nino",
    )


def test_a_device_that_lacks_the_offer_gets_it_again(office: Office, bundle: Path) -> None:
    found = artefact(bundle)
    Releases(office.database).publish(found, "https://x/b", devices=[DEVICE], who="Nino", now_ms=NOW_MS)
    office.turn()
    office.hear("update/applied", encode_progress(Progress("0" * 64, "", UpdateState.INSTALLED, "0.1.0")))

    assert len(office.turn()) == 1


def test_all_is_every_device_and_what_is_published_again_begins_anew(office: Office, bundle: Path) -> None:
    releases, found = Releases(office.database), artefact(bundle)
    assert releases.publish(found, "https://x/b", devices=[], who="Nino", now_ms=1) == [DEVICE, "kk-0002"]
    told(office, UpdateState.REFUSED, found.manifest.sha256, reason="no")
    releases.publish(found, "https://y/b", devices=[DEVICE], who="Nino", now_ms=2)

    first, second = releases.standings()
    assert (first.state, first.reason, first.running, second.state) == ("pending", "", "0.1.0", "pending")
    payloads = [payload for _, payload, _ in office.turn()]
    assert {decode_offer(payload).url for payload in payloads} == {"https://y/b"}


@pytest.mark.parametrize(
    ("url", "devices", "reason"),
    [("http://x/b", [DEVICE], "https only"), ("https://x/b", ["kk-0009"], "no device kk-0009")],
)
def test_what_devices_could_not_fetch_or_nobody_knows_is_not_published(
    office: Office, bundle: Path, url: str, devices: list[str], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        Releases(office.database).publish(artefact(bundle), url, devices=devices, who="Nino", now_ms=1)
    assert Releases(office.database).standings() == []


def test_the_administrator_types_it_all(tmp_path: Path) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text(f'database_url = "sqlite:///{tmp_path}/t.db"\n[store]\npath = "{tmp_path}/r.db"\n')
    Office(f"sqlite:///{tmp_path}/t.db").database.close()

    def tskaro(*words: object) -> tuple[int, str]:
        ran = run(TSKARO, "update", *words)
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    file = tmp_path / "a.bundle"
    assert tskaro("keygen", tmp_path / "u")[0] == 0
    assert tskaro("keygen", tmp_path / "u")[0] == 78
    assert tskaro("bundle", wheels(tmp_path), file) == (0, f"{file}: tskaro 0.2.0, 0.0 MB\n")
    assert tskaro("publish", file, "--url", "https://x/b", "--all", "--settings", settings)[0] == 78
    assert tskaro("sign", file, "--key", tmp_path / "u.key") == (
        0,
        f"{offer_of(file)}: tskaro 0.2.0, from 0.1.0 on\n",
    )
    assert tskaro("publish", file, "--url", "https://x/b", "--settings", settings)[0] == 2
    assert tskaro("publish", file, "--url", "https://x/b", "--all", "--settings", settings)[0] == 0
    _, said = tskaro("status", "--json", "--settings", settings)
    assert [(each["device"], each["wanted"], each["state"]) for each in json.loads(said)] == [
        (DEVICE, "0.2.0", "pending"),
        ("kk-0002", "0.2.0", "pending"),
    ]
    assert "pending" in tskaro("status", "--settings", settings)[1]
    assert zipfile.is_zipfile(file)

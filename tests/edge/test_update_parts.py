"""The parts of an update: what is trusted, fetched and staged; and what is refused, with which words."""

import hashlib
import io
import ssl
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.launch import is_complete
from edge.update_fetch import FetchInterrupted, Source, fetch
from edge.update_stage import stage
from edge.update_trust import UpdateRefused, public_key, trusted
from firmware_config.tls import client_context
from server.remote.signing import make_keys
from tests.fakes.file_server import FileServer
from tests.fakes.papers import Authority
from waterquality.errors import ConfigError
from waterquality.wire.updates import Manifest, Offer, encode_manifest, signed_bytes

KEY = Ed25519PrivateKey.generate()
CONTENT = bytes(range(256)) * 2000
SIGNED = Manifest(
    package="tskaro",
    version="0.2.0",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    min_version="0.1.0",
    issued_ms=1_763_900_101_250,
)


def offer(manifest: Manifest = SIGNED, *, key: Ed25519PrivateKey = KEY) -> Offer:
    written = encode_manifest(manifest)
    return Offer("https://127.0.0.1/x", written, key.sign(signed_bytes(written)))


def refusal_of(offered: Offer, *, running: str = "0.1.0", newest_issued_ms: int = 0) -> str:
    with pytest.raises(UpdateRefused) as refused:
        trusted(offered, KEY.public_key(), running=running, newest_issued_ms=newest_issued_ms)
    return str(refused.value)


# ---- trust ------------------------------------------------------------------------------------------------------


def test_what_is_signed_and_fits_is_trusted() -> None:
    assert trusted(offer(), KEY.public_key(), running="0.1.0", newest_issued_ms=0) == SIGNED


def test_another_key_is_refused() -> None:
    assert "not by the key of this device's card" in refusal_of(offer(key=Ed25519PrivateKey.generate()))


@pytest.mark.parametrize("at", range(0, len(encode_manifest(SIGNED)), 7))
def test_a_manifest_changed_in_any_place_is_refused(at: int) -> None:
    sound = offer()
    written = sound.manifest[:at] + chr(ord(sound.manifest[at]) ^ 1) + sound.manifest[at + 1 :]

    assert "the signature is not by the key" in refusal_of(replace(sound, manifest=written))


def test_a_signature_over_the_bare_text_is_refused_since_it_may_have_meant_something_else() -> None:
    written = encode_manifest(SIGNED)

    assert "the signature is not by the key" in refusal_of(
        Offer("https://x", written, KEY.sign(written.encode()))
    )


@pytest.mark.parametrize(
    ("change", "running", "reason"),
    [
        ({"package": "other"}, "0.1.0", "it is other, not tskaro"),
        ({"version": "0.0.9"}, "0.1.0", "it is not signed as a way back to 0.0.9"),
        ({"min_version": "0.1.5"}, "0.1.0", "it needs 0.1.5 or later to start from; 0.1.0 runs here"),
        ({"issued_ms": 1}, "0.1.0", "a manifest that was signed later was followed before"),
    ],
)
def test_what_is_signed_and_does_not_fit_is_refused(change: dict, running: str, reason: str) -> None:
    assert reason in refusal_of(offer(replace(SIGNED, **change)), running=running, newest_issued_ms=2)


def test_a_way_back_is_followed_when_it_is_signed_as_one() -> None:
    back = replace(SIGNED, version="0.0.9", min_version="0.0.1", allows_downgrade=True)

    assert trusted(offer(back), KEY.public_key(), running="0.1.0", newest_issued_ms=0) == back


def test_a_manifest_that_is_signed_and_senseless_is_refused() -> None:
    written = '{"package":"tskaro"}'

    assert "the manifest cannot be read" in refusal_of(
        Offer("https://x", written, KEY.sign(signed_bytes(written)))
    )


def test_the_key_of_the_card_is_read_or_refused_by_name(tmp_path: Path) -> None:
    make_keys(tmp_path / "u.key", tmp_path / "u.pub", b"")
    assert public_key(tmp_path / "u.pub")
    assert (tmp_path / "u.key").stat().st_mode & 0o777 == 0o600

    for path, reason in [("u.key", "holds no public key"), ("none", "cannot be read")]:
        with pytest.raises(ConfigError, match=reason):
            public_key(tmp_path / path)


# ---- fetching ---------------------------------------------------------------------------------------------------


class Place:
    """A web server with papers, and a device with its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority, self.stranger = Authority(folder), Authority(folder, "other")
        self.server = FileServer(CONTENT).open(authority, authority.issue("server", is_server=True))
        self.tls = self.context(authority, authority)

    def context(self, trusts: Authority, is_of: Authority) -> ssl.SSLContext:
        papers = is_of.issue("kk-0001")
        return client_context(trusts.ca, papers.certificate, papers.key)

    def fetch(self, manifest: Manifest = SIGNED, *, tls: ssl.SSLContext | None = None) -> Path:
        source = Source(url=self.server.url, manifest=manifest, tls=tls or self.tls, stop=threading.Event())
        return fetch(source, self.folder / "update")

    def left(self) -> list[str]:
        return sorted(path.suffix for path in (self.folder / "update").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.server.close()


def test_what_was_signed_is_fetched_with_the_papers_of_the_device(place: Place) -> None:
    assert place.fetch().read_bytes() == CONTENT
    assert place.left() == [".bundle"]


def test_what_is_there_is_not_fetched_again(place: Place) -> None:
    place.fetch()
    place.fetch()

    assert len(place.server.asked) == 1


def test_a_fetch_goes_on_where_the_line_was_cut(place: Place) -> None:
    place.server.cut_after = 200_000
    for _ in range(2):
        with pytest.raises(FetchInterrupted, match=r"of 512000 bytes came"):
            place.fetch()

    assert place.fetch().read_bytes() == CONTENT
    assert place.server.asked == ["", "bytes=200000-", "bytes=400000-"]
    assert place.server.served == len(CONTENT)


def test_a_server_that_cannot_go_on_begins_again(place: Place) -> None:
    place.server.cut_after = 200_000
    with pytest.raises(FetchInterrupted):
        place.fetch()
    place.server.cut_after, place.server.knows_ranges = None, False

    assert place.fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("says_length", [True, False])
def test_an_artefact_bigger_than_signed_is_refused_and_not_kept(place: Place, says_length: bool) -> None:
    place.server.content += b"x"
    place.server.lies_about_length = not says_length
    with pytest.raises(UpdateRefused, match=r"bigger than|has 512001 bytes, not the 512000"):
        place.fetch()

    assert place.left() == []


def test_an_artefact_cut_short_is_refused(place: Place) -> None:
    place.server.content = CONTENT[:-1]
    with pytest.raises(UpdateRefused, match="has 511999 bytes, not the 512000 that were signed"):
        place.fetch()


def test_an_artefact_with_another_byte_is_refused_and_thrown_away(place: Place) -> None:
    place.server.content = CONTENT[:-1] + b"x"
    with pytest.raises(UpdateRefused, match="not the one that was signed: its hash differs"):
        place.fetch()

    assert place.left() == []


def test_a_beginning_that_belongs_to_something_else_is_thrown_away(place: Place) -> None:
    (place.folder / "update").mkdir()
    (place.folder / "update" / f"{SIGNED.sha256}.part").write_bytes(b"x" * 1000)
    with pytest.raises(UpdateRefused, match="hash differs"):
        place.fetch()

    assert place.fetch().read_bytes() == CONTENT


def test_an_artefact_that_has_moved_is_not_followed(place: Place) -> None:
    place.server.status = 302
    with pytest.raises(UpdateRefused, match="not at its address"):
        place.fetch()


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_server_that_does_not_give_it_now_is_asked_again(place: Place, status: int) -> None:
    place.server.status = status
    with pytest.raises(FetchInterrupted, match=f"answers {status}"):
        place.fetch()
    place.server.status = 0

    assert place.fetch().read_bytes() == CONTENT


def test_a_server_of_another_authority_gets_nothing_and_gives_nothing(place: Place) -> None:
    with pytest.raises(FetchInterrupted, match="CERTIFICATE_VERIFY_FAILED"):
        place.fetch(tls=place.context(place.stranger, place.stranger))
    assert place.server.asked == []


# ---- staging ----------------------------------------------------------------------------------------------------

OURS, PIP = "tskaro-0.2.0-py3-none-any.whl", "pip-23.2.1-py3-none-any.whl"


def bundle(folder: Path, *names: str) -> Path:
    path = folder / "a.bundle"
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, b"wheel")
    return path


def installed(wheels: Path, folder: Path) -> None:
    """What pip would do."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tskaro-edge").write_text(",".join(sorted(each.name for each in wheels.iterdir())))


def test_a_bundle_becomes_a_version_that_is_marked_when_it_is_whole(tmp_path: Path) -> None:
    wheels = (OURS, PIP, "paho_mqtt-2.1.0-py3-none-any.whl")
    stage(bundle(tmp_path, *wheels), SIGNED, tmp_path, install=installed)

    assert is_complete(tmp_path, "0.2.0")
    assert (tmp_path / "versions/0.2.0/bin/tskaro-edge").read_text() == ",".join(sorted(wheels))
    assert not (tmp_path / "update" / "wheels").exists()


def test_a_version_is_staged_once_and_another_artefact_of_the_same_version_anew(tmp_path: Path) -> None:
    times: list[Path] = []

    def counted(wheels: Path, folder: Path) -> None:
        times.append(folder)
        installed(wheels, folder)

    for manifest in (SIGNED, SIGNED, replace(SIGNED, sha256="ab" * 32)):
        stage(bundle(tmp_path, OURS, PIP), manifest, tmp_path, install=counted)

    assert len(times) == 2


def test_what_was_half_installed_is_begun_again(tmp_path: Path) -> None:
    half = tmp_path / "versions" / "0.2.0"
    (half / "bin").mkdir(parents=True)
    (half / "left").touch()
    (tmp_path / "update" / "wheels").mkdir(parents=True)
    stage(bundle(tmp_path, OURS, PIP), SIGNED, tmp_path, install=installed)

    assert not (half / "left").exists()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "does not hold tskaro 0.2.0"),
        (["paho_mqtt-2.1.0-py3-none-any.whl"], "does not hold tskaro 0.2.0"),
        (["tskaro-0.3.0-py3-none-any.whl"], "does not hold tskaro 0.2.0"),
        ([OURS, "tskaro-0.1.0-py3-none-any.whl"], "and it alone"),
        ([OURS], "does not hold one wheel of pip"),
        ([OURS, "setup.py"], "no wheel: 'setup.py'"),
        ([OURS, "../../evil-1-py3-none-any.whl"], "no wheel: '../../evil"),
        ([OURS, "/etc/x-1-py3-none-any.whl"], "no wheel: '/etc"),
        ([OURS, "sub/x-1-py3-none-any.whl"], "no wheel: 'sub/"),
    ],
)
def test_a_bundle_of_anything_else_is_refused(tmp_path: Path, names: list[str], reason: str) -> None:
    with pytest.raises(UpdateRefused) as refused:
        stage(bundle(tmp_path, *names), SIGNED, tmp_path, install=installed)

    assert reason in str(refused.value)
    assert not is_complete(tmp_path, "0.2.0")


@pytest.mark.parametrize("content", [b"", b"no zip", CONTENT])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.bundle").write_bytes(content)
    with pytest.raises(UpdateRefused, match="cannot be unpacked"):
        stage(tmp_path / "a.bundle", SIGNED, tmp_path, install=installed)


def test_a_bundle_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written, written.open(OURS, "w") as wheel:
        for _ in range(520):
            wheel.write(bytes(1024 * 1024))
    (tmp_path / "a.bundle").write_bytes(packed.getvalue())

    with pytest.raises(UpdateRefused, match="more than a device takes"):
        stage(tmp_path / "a.bundle", SIGNED, tmp_path, install=installed)
